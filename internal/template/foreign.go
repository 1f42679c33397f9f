package template

import "regexp"

// foreign are the forms in which other tools write variables.
var foreign = regexp.MustCompile(`\$\{\{?\s*(?:secrets\.|env\.)?([A-Za-z_]\w*)\s*\}?\}|^\$([A-Z_][A-Z0-9_]*)$|^%([A-Z_][A-Z0-9_]*)%$`)

// Foreign finds the name of a variable that a text writes as shells and other
// tools do: ${NAME}, $NAME, ${{ secrets.NAME }}, %NAME%. None is one here.
func Foreign(text string) (name string, ok bool) {
	m := foreign.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	return m[1] + m[2] + m[3], true
}
