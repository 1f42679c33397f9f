package schema

import (
	"regexp"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

func address() *Schema {
	return &Schema{Type: "object", Properties: []Property{
		{"city", &Schema{Type: "string", MaxLength: 5}, true},
		{"tags", &Schema{Type: "array", Items: &Schema{Type: "integer"}}, false},
	}, Closed: true}
}

func TestConvert(t *testing.T) {
	enum := &Schema{Type: "string", Enum: []value.Value{value.Of("up"), value.Of("down")}}
	for name, test := range map[string]struct {
		schema   *Schema
		in, want string // want "!…" is a problem that says …
	}{
		"text to integer":                   {&Schema{Type: "integer"}, `"5"`, `5`},
		"a 64-bit integer":                  {&Schema{Type: "integer"}, `"9007199254740993"`, `9007199254740993`},
		"5.0 is an integer":                 {&Schema{Type: "integer"}, `5.0`, `5`},
		"5.5 is no integer":                 {&Schema{Type: "integer"}, `5.5`, `!must be an integer, not the number "5.5"`},
		"a word is no integer":              {&Schema{Type: "integer"}, `"five"`, `!not the string "five"`},
		"text to number":                    {&Schema{Type: "number"}, `"1.10"`, `1.10`},
		"number to text":                    {&Schema{Type: "string"}, `1.10`, `"1.10"`},
		"boolean to text":                   {&Schema{Type: "string"}, `true`, `"true"`},
		"an object is no text":              {&Schema{Type: "string"}, `{}`, `!must be a string, not object`},
		"null is no text":                   {&Schema{Type: "string"}, `null`, `!not null`},
		"text to boolean":                   {&Schema{Type: "boolean"}, `"Yes"`, `true`},
		"a word is no boolean":              {&Schema{Type: "boolean"}, `"maybe"`, `!must be a boolean`},
		"JSON text to array":                {&Schema{Type: "array"}, `"[1,2]"`, `[1,2]`},
		"a scalar to an array of it":        {&Schema{Type: "array", Items: &Schema{Type: "integer"}}, `"7"`, `[7]`},
		"JSON text to object":               {&Schema{Type: "object"}, `"{\"a\":1}"`, `{"a":1}`},
		"text to object":                    {&Schema{Type: "object"}, `"a"`, `!must be an object`},
		"anything":                          {&Schema{}, `null`, `null`},
		"an allowed value":                  {enum, `"up"`, `"up"`},
		"a value that is not allowed":       {enum, `"left"`, `!must be one of up, down, not the string "left"`},
		"an allowed number given as text":   {&Schema{Type: "integer", Enum: []value.Value{value.Int(1)}}, `"1"`, `1`},
		"an allowed value of any type":      {&Schema{Enum: []value.Value{value.Int(1), value.Of("auto")}}, `"1"`, `1`},
		"what matches the pattern":          {&Schema{Type: "string", Pattern: regexp.MustCompile("^a")}, `"ab"`, `"ab"`},
		"what misses the pattern":           {&Schema{Type: "string", Pattern: regexp.MustCompile("^a")}, `"b"`, `!must match the pattern ^a`},
		"a nested member":                   {address(), `{"city":"Bonn","tags":["1"]}`, `{"city":"Bonn","tags":[1]}`},
		"a nested problem is named":         {address(), `{"city":"Bonn","tags":[1,"x"]}`, `!tags[1] must be an integer`},
		"a text that is too long":           {address(), `{"city":"Berlin"}`, `!city must have at most 5 characters, not 6`},
		"a missing member":                  {address(), `{}`, `!city is required`},
		"a member that nobody knows":        {address(), `{"city":"Bonn","zip":1}`, `!zip is not known here; allowed: city, tags`},
		"a whole body given as object":      {&Schema{Type: "object", Entity: true}, `{"a":1}`, `{"a":1}`},
		"a whole body given as array":       {&Schema{Type: "object", Entity: true}, `[1]`, `[1]`},
		"a whole body given as JSON text":   {&Schema{Type: "object", Entity: true}, `"[1]"`, `[1]`},
		"a whole body given as other text":  {&Schema{Type: "object", Entity: true}, `"x"`, `"x"`},
		"a whole body that misses a member": {&Schema{Type: "object", Entity: true, Properties: []Property{{"a", &Schema{Type: "string"}, true}}}, `{}`, `!a is required`},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := value.Parse([]byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			got, problem := test.schema.Convert(in)
			if says, wrong := strings.CutPrefix(test.want, "!"); wrong {
				if problem == nil || !strings.Contains(problem.Error(), says) {
					t.Errorf("got %v, want %s", problem, says)
				}
				return
			}
			if problem != nil || string(got.AppendJSON(nil)) != test.want {
				t.Errorf("got %s, %v, want %s", got.AppendJSON(nil), problem, test.want)
			}
		})
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(`{"city":"x","tags":[1,"2"]}`)
	f.Add(`"[1]"`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := value.Parse([]byte(text))
		if err != nil {
			return
		}
		for _, kind := range []string{"", "string", "integer", "number", "boolean", "array", "object"} {
			s := &Schema{Type: kind}
			if got, problem := s.Convert(v); problem == nil {
				if again, problem := s.Convert(got); problem != nil || !value.Equal(got, again) {
					t.Fatalf("%s: %s converts to %s, and that to %s (%v)", kind, text, got.Text(), again.Text(),
						problem)
				}
			}
		}
	})
}
