package corpus

import (
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/suggest"
	"github.com/fairlead/fairlead/internal/testkit"
)

// TestSuggest_logInsOfPublishedDocuments suggests an overlay for each document with a
// login of its own, and signs in with it at a stand-in; or a note says what is missing.
func TestSuggest_logInsOfPublishedDocuments(t *testing.T) { // issue 11.7
	works, noted, with := 0, 0, 0
	for _, d := range Compile(Paths(t), nil) {
		if d.Model == nil {
			continue
		}
		login := false
		for _, api := range d.Model.Consumes {
			for _, r := range api.Resources {
				for _, op := range r.Operations {
					login = login || suggest.RoleOf(api, op) == suggest.Login
				}
			}
		}
		made := suggest.Of(d.Model)
		switch {
		case !login:
			if made.Overlay != nil {
				t.Errorf("%s has no login and gets an overlay", d.Name)
			}
			continue
		case made.Overlay == nil && len(made.Notes) == 0:
			if !strings.Contains(d.Name, "token-refresh-authentication") { // custom-token is its session
				t.Errorf("%s: a login, and nothing is said of it", d.Name)
			}
			continue
		}
		with++
		if made.Overlay == nil {
			if !strings.Contains(strings.Join(made.Notes, "\n"), "missing: ") {
				t.Errorf("%s: %v", d.Name, made.Notes)
			}
			noted++
			continue
		}
		src := d.Source
		src.Overlays = append(slices.Clone(src.Overlays), host.File{Name: "suggested.overlay.yaml", Text: made.Overlay})
		for _, g := range host.Compile(src, compile.Options{}).Diags {
			if g.Severity == diag.Error && g.Range.File == "suggested.overlay.yaml" || g.Code == diag.OverlayNoMatch.ID {
				t.Errorf("%s: %s\n%s", d.Name, g.Error(), made.Overlay)
			}
		}
		if again := suggest.Of(host.Compile(src, compile.Options{}).Model); again.Overlay != nil {
			t.Errorf("%s: with the overlay there is more to suggest:\n%s", d.Name, again.Overlay)
		}
		if second := suggest.Of(d.Model); string(second.Overlay) != string(made.Overlay) {
			t.Errorf("%s: two runs give two overlays", d.Name)
		}
		if proved := testkit.SignsIn(t, src); len(proved) == 0 {
			t.Errorf("%s: nobody can sign in with\n%s", d.Name, made.Overlay)
		} else {
			works++
		}
	}
	t.Logf("%d documents with a login of their own: %d with an overlay that works, %d with a note alone", with, works,
		noted)
	if with < 18 || works < 16 {
		t.Errorf("only %d documents with a login, of which %d work", with, works)
	}
}
