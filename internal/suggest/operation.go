package suggest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/model"
)

// operation writes what the login operation itself lacks. tokens are the places of the
// token where they are known.
func (w *writer) operation(d *draft, api *model.Consume, tokens []string) {
	op := d.login
	paths := slices.DeleteFunc(slices.Clone(tokens), func(place string) bool { return place[0] != '$' })
	var own []string
	if api.Auth != nil && !op.NoAuth {
		own = append(own, "      authentication: none")
	}
	if len(paths) > 0 && len(op.Secrets) == 0 {
		for i, p := range paths {
			paths[i] = flow(p)
		}
		own = append(own, "      secrets: ["+strings.Join(paths, ", ")+"]")
	}
	body, inBody := d.body()
	if len(own) > 0 || len(body) > 0 && !inBody {
		w.line("- target: %s", text(d.target))
		w.line("  description: %s", text("It takes no credential; it gives one."))
		w.line("  update:")
		if len(own) > 0 {
			w.line("    x-fairlead:")
			w.lines = append(w.lines, own...)
		}
		if len(body) > 0 && !inBody {
			w.lines = append(w.lines, body...)
		}
	}
	if len(body) > 0 && inBody {
		w.line("- target: %s", text(d.target+parameterTarget(op)))
		w.line("  description: %s", text("What the body holds."))
		w.line("  update:")
		w.lines = append(w.lines, body...)
	}
	for _, role := range []Role{Refresh, Replace, Logout} {
		for _, part := range d.of[role] {
			if part.Body == nil && !part.NoBody && len(part.Inputs) == 0 &&
				slices.Contains([]string{"POST", "PUT", "PATCH"}, part.Method) {
				w.line("- target: %s", text(strings.TrimSuffix(d.target, nameTarget(op))+nameTarget(part)))
				w.line("  description: %s", text("It acts on the session and takes no body."))
				w.line("  update:")
				w.line("    x-fairlead: {body: none}")
			}
		}
	}
}

// body is what says in which form the login takes what is asked, where the document does
// not: members of its body parameter (inParameter), a body block, or headers.
func (d *draft) body() (lines []string, inParameter bool) {
	op := d.login
	if op.Body != nil && !op.Body.Data.IsNull() {
		return nil, false
	}
	whole := slices.ContainsFunc(op.Inputs, isWholeBody)
	declared := takes(d.api, op)
	var lacking []field
	for _, f := range d.fields {
		if !slices.ContainsFunc(declared, func(in input) bool { return in.name == f.name }) {
			lacking = append(lacking, f)
		}
	}
	switch {
	case len(lacking) == 0:
		return nil, false
	case d.known != nil && d.known.header != nil:
		lines = append(lines, "    inputParameters:")
		for _, f := range lacking {
			lines = append(lines, fmt.Sprintf("    - {name: %s, in: header, type: string, required: true}", flow(f.name)))
		}
		return lines, false
	case whole:
		lines = append(lines, "    type: object", "    properties:")
		for _, f := range lacking {
			secret := ""
			if f.secret {
				secret = ", x-fairlead: {secret: true}"
			}
			lines = append(lines, fmt.Sprintf("      %s: {type: string, required: true%s}", text(f.name), secret))
		}
		return lines, true
	}
	kind := "json"
	if d.known != nil && d.known.form {
		kind = "formUrlEncoded"
	}
	lines = append(lines, "    body:", "      type: "+kind, "      data:")
	for _, f := range lacking {
		lines = append(lines, fmt.Sprintf("        %s: %s", text(f.name), text("{{"+f.name+"}}")))
	}
	if d.known != nil && slices.Contains(d.known.ask, "grant_type") {
		lines = append(lines, "        grant_type: password")
	}
	return lines, false
}
