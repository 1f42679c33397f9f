package wire

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// oneText are parameters of which one has the name of its method.
type oneText struct{ method, text string }

func (p *oneText) Member(r *Reader, name []byte) bool {
	if string(name) != p.method {
		return false
	}
	p.text = string(r.Text())
	return true
}

type table []string

func (t table) NewParams(method []byte) Params {
	if slices.Contains(t, string(method)) {
		return &oneText{method: string(method)}
	}
	return nil
}

var twoMethods = table{"a", "b"}

func TestRead_takesMembersInAnyOrder(t *testing.T) {
	const params = `"params" : {"b":"of b","_meta":{"progressToken":7},"a":"of\u0020a","c":[{}]}`
	for _, tt := range []struct{ name, body, want string }{
		{"method first", `{"jsonrpc":"2.0","id":1,"method":"a",` + params + `}`, "of a"},
		{"parameters first", `{` + params + `,"method":"a","id":1,"jsonrpc":"2.0"}`, "of a"},
		{"the last method wins", `{"method":"b",` + params + `,"method":"a","id":1,"jsonrpc":"2.0"}`, "of a"},
		{"the last parameters win", `{"params":{"a":"no"},"method":"a",` + params + `,"id":1,"jsonrpc":"2.0"}`, "of a"},
		{"the last parameters win, both first", `{"params":{"a":"no"},` + params +
			`,"method":"b","id":1,"jsonrpc":"2.0"}`, "of b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &Message{Body: []byte(tt.body)}
			for range 2 { // the memory of one message serves the next
				if problem := m.Read(twoMethods); problem != nil {
					t.Fatal(problem.Message)
				}
				if p := m.Params.(*oneText); p.text != tt.want || string(m.Meta.ProgressToken) != "7" ||
					string(m.ID) != "1" {
					t.Errorf("got %q, token %s, id %s", p.text, m.Meta.ProgressToken, m.ID)
				}
				m.Reset()
				m.Body = append(m.Body, tt.body...)
			}
		})
	}
}

// Whatever comes, it is read or refused, and parameters do not depend on where
// they stand.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"a":"x","_meta":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}`, `null`, `[]`, `{"a":"\u0000"}`, `{"a":1,"a":"2"}`, `{"`, ` {} `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, params string) {
		var read [2]Message
		var problems [2]*Error
		for i, body := range []string{`{"jsonrpc":"2.0","id":1,"method":"a","params":` + params + `}`, `{"params":` +
			params + `,"jsonrpc":"2.0","id":1,"method":"a"}`} {
			read[i].Body = []byte(body)
			problems[i] = read[i].Read(twoMethods)
		}
		if !jsontext.Value(params).IsValid(readOptions...) {
			return // it may have ended the parameters and begun another member
		}
		if (problems[0] == nil) != (problems[1] == nil) {
			t.Fatalf("%v, and %v", problems[0], problems[1])
		}
		if problems[0] != nil {
			return
		}
		a, _ := read[0].Params.(*oneText)
		b, _ := read[1].Params.(*oneText)
		if (a == nil) != (b == nil) || a != nil && *a != *b || read[0].Meta.Elicits != read[1].Meta.Elicits {
			t.Fatalf("%v, and %v", a, b)
		}
	})
}
