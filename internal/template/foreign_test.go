package template_test

import (
	"testing"

	"github.com/fairlead/fairlead/internal/template"
)

func TestForeign_findsVariablesOfOtherTools(t *testing.T) {
	for text, want := range map[string]string{
		"${TOKEN}": "TOKEN", "Bearer ${TOKEN}": "TOKEN", "https://${host}/x": "host", "$TOKEN": "TOKEN", "%TOKEN%": "TOKEN",
		"${{ secrets.TOKEN }}": "TOKEN", "${{TOKEN}}": "TOKEN",
		"{{TOKEN}}": "", "$.path": "", "$env.TOKEN": "", "costs $5": "", "100%": "", "$": "", "${}": "",
	} {
		if got, ok := template.Foreign(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t, want %q", text, got, ok, want)
		}
	}
}
