package route

import (
	"slices"
	"strings"
	"testing"
)

func TestParse_acceptsWhatDocumentsHold(t *testing.T) {
	tests := map[string]struct {
		path, canonical, shape string
		names                  []string
		cut                    string
	}{
		"plain": {path: "/v1/account/login", canonical: "/v1/account/login",
			shape: "/v1/account/login"},
		"root":  {path: "/", canonical: "/", shape: "/"},
		"empty": {path: "", canonical: "/", shape: "/"},
		"single braces": {path: "/apps/{id}", canonical: "/apps/{id}", shape: "/apps/{}",
			names: []string{"id"}},
		"double braces": {path: "/apps/{{id}}/x", canonical: "/apps/{id}/x", shape: "/apps/{}/x",
			names: []string{"id"}},
		"both braces": {path: "/{{a}}/{b}", canonical: "/{a}/{b}", shape: "/{}/{}",
			names: []string{"a", "b"}},
		"blanks in braces": {path: "/apps/{{ id }}", canonical: "/apps/{id}", shape: "/apps/{}",
			names: []string{"id"}},
		"dash in name": {path: "/apps/{{app-id}}", canonical: "/apps/{app-id}", shape: "/apps/{}",
			names: []string{"app-id"}},
		"odd name": {path: "/apps/{id.$x[0]}", canonical: "/apps/{id.$x[0]}", shape: "/apps/{}",
			names: []string{"id.$x[0]"}},
		"extension": {path: "/apps/{id}.json", canonical: "/apps/{id}.json", shape: "/apps/{}.json",
			names: []string{"id"}},
		"extension, double": {path: "/apps/{{id}}.json", canonical: "/apps/{id}.json",
			shape: "/apps/{}.json", names: []string{"id"}},
		"custom verb": {path: "/v1/{name}:archive", canonical: "/v1/{name}:archive",
			shape: "/v1/{}:archive", names: []string{"name"}},
		"function call": {path: "/companies({id})/lines({no})",
			canonical: "/companies({id})/lines({no})", shape: "/companies({})/lines({})", names: []string{"id", "no"}},
		"prefix": {path: "/act_{id}", canonical: "/act_{id}", shape: "/act_{}",
			names: []string{"id"}},
		"two in a segment": {path: "/shows/{id}.{format}", canonical: "/shows/{id}.{format}",
			shape: "/shows/{}.{}", names: []string{"id", "format"}},
		"no leading slash": {path: "apps/{id}", canonical: "/apps/{id}", shape: "/apps/{}",
			names: []string{"id"}},
		"trailing slash": {path: "/committee/{id}/totals/", canonical: "/committee/{id}/totals",
			shape: "/committee/{}/totals", names: []string{"id"}},
		"space inside":            {path: "/my apps/x", canonical: "/my%20apps/x", shape: "/my%20apps/x"},
		"encoded literal":         {path: "/my%20apps/%C3%BC", canonical: "/my%20apps/ü", shape: "/my%20apps/ü"},
		"encoded slash and brace": {path: "/a%2Fb%7B", canonical: "/a%2Fb%7B", shape: "/a%2Fb%7B"},
		"bare percent sign":       {path: "/100%", canonical: "/100%25", shape: "/100%25"},
		"encoded bytes, no text":  {path: "/%FF", canonical: "/%25FF", shape: "/%25FF"},
		"dollar": {path: "/items/{id}/$value", canonical: "/items/{id}/$value",
			shape: "/items/{}/$value", names: []string{"id"}},
		"empty segment inside": {path: "/a//b", canonical: "/a//b", shape: "/a//b"},
		"query":                {path: "/apps?limit=5", canonical: "/apps", shape: "/apps", cut: "?limit=5"},
		"query with placeholder": {path: "/apps/?id={id}#x", canonical: "/apps", shape: "/apps",
			cut: "?id={id}#x"},
		"action as query of the root": {path: "/?CreateArchive", canonical: "/", shape: "/", cut: "?CreateArchive"},
		"fragment": {path: "/#X-Amz-Target=Service.Op", canonical: "/", shape: "/",
			cut: "#X-Amz-Target=Service.Op"},
		"fragment after placeholder": {path: "/x/{id}#delete", canonical: "/x/{id}", shape: "/x/{}",
			names: []string{"id"}, cut: "#delete"},
		"question mark in a name": {path: "/x/{id?}", canonical: "/x/{id?}", shape: "/x/{}",
			names: []string{"id?"}},
		"placeholder named path": {path: "/notion/{{path}}", canonical: "/notion/{path}", shape: "/notion/{}",
			names: []string{"path"}},
		"placeholder with plus": {path: "/x/{key+}", canonical: "/x/{key+}", shape: "/x/{}",
			names: []string{"key+"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := Parse(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if p.String() != tt.canonical || p.Shape() != tt.shape || !slices.Equal(p.Names(), tt.names) ||
				p.Cut != tt.cut {
				t.Errorf("got %q, shape %q, names %q, cut %q", p, p.Shape(), p.Names(), p.Cut)
			}
		})
	}
}

func TestParse_refuses(t *testing.T) {
	tests := map[string]struct{ path, says string }{
		"unclosed":             {"/x/{id", "not closed by “}”"},
		"unclosed double":      {"/x/{{id}", "not closed by “}}”"},
		"closed twice":         {"/x/{id}}", "“}” without “{”"},
		"stray brace":          {"/x}/y", "“}” without “{”"},
		"slash in a name":      {"/x/{a/b}", "not closed"},
		"brace in a name":      {"/x/{a{b}", "not closed"},
		"no name":              {"/x/{}", "has no name"},
		"blank name":           {"/x/{{ }}", "has no name"},
		"side by side":         {"/x/{a}{b}", "nothing separates the placeholder “{b}”"},
		"same name twice":      {"/x/{id}/y/{{id}}", "two placeholders are named “id”"},
		"control character":    {"/x\ny", "control character at byte 2"},
		"invalid UTF-8":        {"/x\xff", "invalid UTF-8"},
		"very long":            {"/" + strings.Repeat("x", MaxLength), "longer than 4096 bytes"},
		"triple braces":        {"/x/{{{id}}}", "not closed"},
		"fragment in unclosed": {"/x/{id#y", "not closed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if p, err := Parse(tt.path); err == nil {
				t.Errorf("parsed as %s", p)
			} else if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the error is %q", err)
			}
		})
	}
}

func TestParseForward_takesAllSegmentsOnlyAtTheEnd(t *testing.T) {
	tests := map[string]struct {
		path, canonical, shape string
		names                  []string
	}{
		"double braces":        {"/notion/{{path}}", "/notion/{path}", "/notion/{+}", []string{"path"}},
		"single braces":        {"/github/{path}", "/github/{path}", "/github/{+}", []string{"path"}},
		"plus":                 {"/x/{proxy+}", "/x/{proxy+}", "/x/{+}", []string{"proxy"}},
		"path with plus":       {"/x/{path+}", "/x/{path}", "/x/{+}", []string{"path"}},
		"trailing slash":       {"/x/{path}/", "/x/{path}", "/x/{+}", []string{"path"}},
		"nothing before":       {"/{path}", "/{path}", "/{+}", []string{"path"}},
		"another before":       {"/{org}/{path}", "/{org}/{path}", "/{}/{+}", []string{"org", "path"}},
		"not last":             {"/{path}/x", "/{path}/x", "/{}/x", []string{"path"}},
		"not alone":            {"/x/{path}.json", "/x/{path}.json", "/x/{}.json", []string{"path"}},
		"another name":         {"/x/{id}", "/x/{id}", "/x/{}", []string{"id"}},
		"only a plus":          {"/x/{+}", "/x/{+}", "/x/{}", []string{"+"}},
		"no placeholder":       {"/notion", "/notion", "/notion", nil},
		"root, no placeholder": {"/", "/", "/", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := ParseForward(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if p.String() != tt.canonical || p.Shape() != tt.shape || !slices.Equal(p.Names(), tt.names) {
				t.Errorf("got %q, shape %q, names %q", p, p.Shape(), p.Names())
			}
			if again, err := ParseForward(p.String()); err != nil || again.Shape() != p.Shape() {
				t.Errorf("%q is read as another pattern: %v, %v", p, again, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range []string{"/a/{b}", "{{x}}.json?q#f", "/a%2Fb/{c}:d", "/{{a}}-{b}", "/x/{path}", "/x/{p+}/",
		"//", "/%zz{", "/{a?b}"} {
		f.Add(path, "/a/b")
	}
	f.Fuzz(func(t *testing.T, path, request string) {
		for _, parse := range []func(string) (*Pattern, error){Parse, ParseForward} {
			p, err := parse(path)
			if err != nil {
				continue
			}
			again, err := parse(p.String())
			if err != nil || again.String() != p.String() || again.Shape() != p.Shape() || again.Cut != "" ||
				!slices.Equal(again.Names(), p.Names()) {
				t.Fatalf("%q is %q, which is read as %v, %v", path, p, again, err)
			}
			var table Table[int]
			if _, ok := table.Add("GET", p, 1); !ok {
				t.Fatal("conflict with nothing")
			}
			_, vars, ok := table.Match("GET", request, nil)
			if ok != (len(table.Methods(request)) > 0) {
				t.Fatalf("Match and Methods disagree on %q for %q", request, p)
			}
			if ok && (len(vars) != len(p.Names()) || slices.Contains(vars, "")) {
				t.Fatalf("values of %q in %q are %q", p, request, vars)
			}
		}
	})
}
