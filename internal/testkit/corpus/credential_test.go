package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// authenticated are the published documents with an authentication that is wanted.
func authenticated(t *testing.T, base *url.URL, wanted func(*model.Auth) bool) (docs []*host.Document) {
	for _, d := range Compile(Paths(t), base) {
		if d.Model != nil && slices.ContainsFunc(d.Model.Consumes,
			func(c *model.Consume) bool { return c.Auth != nil && wanted(c.Auth) }) {
			docs = append(docs, d)
		}
	}
	return docs
}

// samples are values for all inputs of a unit.
func samples(u *plan.Unit) []value.Value {
	values := make([]value.Value, len(u.Inputs))
	for i, in := range u.Inputs {
		if in.Place != plan.InPlan {
			values[i] = engine.Sample(in.Name, in.Schema)
		}
	}
	return values
}

func TestBodyKeys_ofPublishedDocumentsAreSent(t *testing.T) { // issue 11.2
	p := newProbe(t)
	defer p.close()
	base, _ := url.Parse(p.server.URL)
	inBody := func(a *model.Auth) bool { return a.Type == "apikey" && a.Text("placement") == "body" }
	docs := authenticated(t, base, inBody)
	sent := 0
	for _, d := range docs {
		for _, s := range d.Plan.Servers {
			units := slices.Clone(s.Tools)
			for _, r := range s.Routes {
				units = append(units, r.Unit)
			}
			for _, u := range units {
				api, _, _ := strings.Cut(u.Steps[0].Call.Request.Target, ".")
				i := slices.IndexFunc(d.Model.Consumes, func(c *model.Consume) bool { return c.Namespace == api })
				if auth := d.Model.Consumes[i].Auth; auth == nil || !inBody(auth) {
					continue
				} else if name := auth.Text("key"); !p.sends(t, u, name) {
					t.Errorf("%s, %s: the body lacks %s", d.Name, u.Name, name)
				}
				sent++
			}
		}
	}
	t.Logf("%d documents, %d units", len(docs), sent)
	if len(docs) < 6 || sent < 70 {
		t.Errorf("only %d documents and %d units send a key in the body", len(docs), sent)
	}
}

// sends reports whether a call of u sends the key, once, in a body of its kind.
func (p *probe) sends(t *testing.T, u *plan.Unit, key string) bool {
	result, failure := p.engine.Invoke(t.Context(), u, engine.Args{Values: samples(u)})
	if failure != nil {
		t.Errorf("%s: %v", u.Name, failure)
		return false
	}
	result.Close()
	got := p.take()
	if got == nil {
		return false
	}
	r := &http.Request{Method: http.MethodPost, Header: got.header, Body: http.NoBody}
	switch kind := got.header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/json"):
		members := map[string]any{}
		return json.Unmarshal(got.body, &members) == nil && isSecret(members[key])
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		form, err := url.ParseQuery(string(got.body))
		return err == nil && len(form[key]) == 1 && isSecret(form.Get(key))
	default:
		r.Body = io.NopCloser(bytes.NewReader(got.body))
		return r.ParseMultipartForm(1<<20) == nil && len(r.MultipartForm.Value[key]) == 1 &&
			isSecret(r.MultipartForm.Value[key][0])
	}
}

// isSecret reports whether v is what anySecret gives.
func isSecret(v any) bool { return strings.HasPrefix(fmt.Sprint(v), fmt.Sprintf("%x", "secret ")) }
