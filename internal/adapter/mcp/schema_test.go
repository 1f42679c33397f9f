package mcp_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// schemaOf is JSON Schema as the models' makers read it.
type schemaOf map[string]any

func (s schemaOf) properties() map[string]any {
	p, _ := s["properties"].(map[string]any)
	return p
}

// models are what refuse schemas, by the rules of mcp.md section 5: why they
// refuse one part of a schema, "" when they do not.
var models = map[string]func(s schemaOf, root bool) string{
	"Claude": func(s schemaOf, root bool) string {
		for _, keyword := range []string{"$ref", "$defs", "oneOf", "anyOf", "allOf"} {
			if s[keyword] != nil {
				return keyword
			}
		}
		for name := range s.properties() {
			if !regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`).MatchString(name) {
				return "the property " + name
			}
		}
		if root && s["type"] != "object" {
			return "a root that is no object"
		}
		return ""
	},
	"OpenAI strict": func(s schemaOf, root bool) string {
		for keyword := range s {
			if !slices.Contains([]string{"type", "description", "enum", "default", "pattern", "maxLength", "items",
				"properties", "required"}, keyword) {
				return keyword
			}
		}
		required, _ := s["required"].([]any)
		for _, name := range required {
			if s.properties()[name.(string)] == nil {
				return fmt.Sprint("requires the unknown ", name)
			}
		}
		switch {
		case s["type"] == "array" && s["items"] == nil:
			return "an array without items"
		case s["type"] == "object" && s["properties"] == nil:
			return "an object without properties"
		}
		return ""
	},
	"Gemini": func(s schemaOf, _ bool) string {
		if values, ok := s["enum"].([]any); ok {
			for _, v := range values {
				if _, isText := v.(string); !isText || s["type"] != "string" || v == "" {
					return fmt.Sprint("the value ", v, " of an enum")
				}
			}
			if len(values) != len(slices.Compact(slices.SortedFunc(slices.Values(values),
				func(a, b any) int { return strings.Compare(a.(string), b.(string)) }))) {
				return "an enum with one value twice"
			}
		}
		if items, ok := s["items"].(map[string]any); ok && items["type"] == nil {
			return "items without a type"
		}
		if _, one := s["type"].(string); !one && s["type"] != nil {
			return "several types"
		}
		return ""
	},
}

// refused walks a schema for a part that a model refuses.
func refused(model func(schemaOf, bool) string, s schemaOf, root bool) string {
	if why := model(s, root); why != "" {
		return why
	}
	for _, name := range slices.Sorted(maps.Keys(s.properties())) {
		if why := refused(model, s.properties()[name].(map[string]any), false); why != "" {
			return name + ": " + why
		}
	}
	if items, ok := s["items"].(map[string]any); ok {
		return refused(model, items, false)
	}
	return ""
}

// depth is how many schemas stand within each other.
func depth(s schemaOf) (n int) {
	for _, p := range s.properties() {
		n = max(n, depth(p.(map[string]any)))
	}
	if items, ok := s["items"].(map[string]any); ok {
		n = max(n, depth(items))
	}
	return n + 1
}

// nested is an object within n others, each the member of its own.
func nested(n int) *schema.Schema {
	if n == 0 {
		return &schema.Schema{Type: "array",
			Items: &schema.Schema{Type: "object", Properties: []schema.Property{{Name: "code", Schema: text()}}}}
	}
	return &schema.Schema{Type: "object",
		Properties: []schema.Property{{Name: fmt.Sprint("l", n), Required: true, Schema: nested(n - 1)},
			{Name: "size", Schema: &schema.Schema{Type: "integer"}}}}
}

// odd is an object whose members have names that no model accepts.
func odd() *schema.Schema {
	return &schema.Schema{Type: "object", Closed: true, Properties: []schema.Property{
		{Name: "$top", Schema: &schema.Schema{Type: "integer"}},
		{Name: "sort by", Required: true,
			Schema: &schema.Schema{Type: "array",
				Items: &schema.Schema{Type: "object",
					Properties: []schema.Property{{Name: "@field", Schema: text()}}}}}}}
}

func TestToolsList_hasSchemasThatEveryModelAccepts(t *testing.T) {
	address := &schema.Schema{Type: "object", Properties: []schema.Property{
		{Name: "street", Schema: text(), Required: true},
		{Name: "floor", Schema: &schema.Schema{Type: "integer", Enum: []value.Value{value.Int(1), value.Int(2)}}}}}
	for name, inputs := range map[string][]*plan.Input{
		"no inputs": nil,
		"names": {{Name: "$filter[x]", Schema: text()}, {Name: "filter_x", Schema: text()},
			{Name: strings.Repeat("x", 90), Schema: text()}, {Name: "été", Schema: text()}, {Name: "", Schema: text()}},
		"arrays": {{Name: "ids", Schema: &schema.Schema{Type: "array"}},
			{Name: "tags", Schema: &schema.Schema{Type: "array", Items: text()}}},
		"nested objects": {{Name: "address", Required: true, Schema: address},
			{Name: "all", Schema: &schema.Schema{Type: "array", Items: address}}},
		"names in objects": {{Name: "filter", Schema: odd()},
			{Name: "filters", Schema: &schema.Schema{Type: "array", Items: odd()}}},
		"enums": {{Name: "size",
			Schema: &schema.Schema{Type: "number", Enum: []value.Value{value.Num("1.5"), value.Int(2)}}},
			{Name: "unit", Schema: &schema.Schema{Type: "string", Enum: []value.Value{value.Of("m")}}}},
		"odd enums": {
			{Name: "spelling", Schema: &schema.Schema{Type: "string",
				Enum: []value.Value{value.Num("1.10"), value.Num("1.2")}}},
			{Name: "blanks", Schema: &schema.Schema{Type: "string",
				Enum:   []value.Value{value.Of(""), value.Of("a"), value.Nil(), value.Of("a"), value.Of("b")},
				Titles: []string{"None", "A", "", "A", "B"}}},
			{Name: "nothing", Schema: &schema.Schema{Type: "string", Enum: []value.Value{value.Of("")}}},
			{Name: "untyped", Schema: &schema.Schema{Input: true, Enum: []value.Value{value.Int(1), value.Int(2)}}},
			{Name: "mixed", Schema: &schema.Schema{Enum: []value.Value{value.Int(1), value.Of("auto"),
				value.Boolean(true)}}},
			{Name: "default", Schema: &schema.Schema{Type: "string", Default: value.Num("1.10")}},
			{Name: "lists", Schema: &schema.Schema{Type: "array",
				Items: &schema.Schema{Enum: []value.Value{value.Of("x")}}}},
		},
		"deep objects": {{Name: "rule", Schema: nested(30)},
			{Name: "list", Schema: &schema.Schema{Type: "array", Items: nested(6)}},
			{Name: "deepest", Schema: nested(7)}},
		"untyped items": {{Name: "list", Schema: &schema.Schema{Type: "array", Items: &schema.Schema{}}},
			{Name: "lists", Schema: &schema.Schema{Items: &schema.Schema{Type: "array"}}}},
		"a body":             {{Name: "body", Required: true, Schema: &schema.Schema{Type: "object", Entity: true}}},
		"anything":           {{Name: "any"}, {Name: "open", Schema: &schema.Schema{}}},
		"patterns and texts": {{Name: "code", Schema: &schema.Schema{Type: "string", Pattern: regexp.MustCompile(`^[A-Z]{2}$`), MaxLength: 2, Description: "A \"code\"."}}},
		"a secret": {{Name: "token", Secret: true,
			Schema: &schema.Schema{Type: "string", Default: value.Of("hunter2")}}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := fixture()
			cfg.Server.Tools = []*plan.Unit{{Name: "tool", Inputs: inputs, Confirm: true}}
			h := mcp.New(cfg)
			defer h.Close()
			var entry struct{ InputSchema schemaOf }
			item := h.Listed()[0].Entry
			if err := json.Unmarshal(item, &entry); err != nil {
				t.Fatal(err)
			}
			for model, accepts := range models {
				if why := refused(accepts, entry.InputSchema, true); why != "" {
					t.Errorf("%s refuses %s: %s", model, why, item)
				}
			}
			if n := depth(entry.InputSchema); n > 10 {
				t.Errorf("%d levels: %s", n, item)
			}
			if n := len(entry.InputSchema.properties()); n != len(inputs)+1 {
				t.Errorf("%d properties of %d inputs and the confirmation: %s", n, len(inputs), item)
			}
			if strings.Contains(string(item), "hunter2") {
				t.Errorf("the secret is listed: %s", item)
			}
		})
	}
	for name, bad := range map[string]string{ // the rules do refuse
		"Claude": `{"type":"object","properties":{"a b":{}}}`, "OpenAI strict": `{"type":"object","properties":{"a":{"type":"object","properties":{},"additionalProperties":true}}}`,
		"Gemini": `{"type":"object","properties":{"a":{"type":"integer","enum":[1]}}}`,
	} {
		var s schemaOf
		if err := json.Unmarshal([]byte(bad), &s); err != nil || refused(models[name], s, true) == "" {
			t.Errorf("%s accepts %s", name, bad)
		}
	}
}

func TestToolsList_namesTheValuesOfNumbers(t *testing.T) {
	cfg := fixture()
	cfg.Server.Tools = []*plan.Unit{{Name: "tool",
		Inputs: []*plan.Input{{Name: "floor",
			Schema: &schema.Schema{Type: "integer", Description: "Where.",
				Enum: []value.Value{value.Int(1), value.Int(2)}}}}}}
	url, h := serve(t, cfg)
	if item := string(h.Listed()[0].Entry); !strings.Contains(item, `"description":"Where. One of 1, 2."`) || strings.Contains(item, "enum") {
		t.Error(item)
	}
	if res := call(t, url, "tool", `{"floor":3}`); !strings.Contains(res.text(), "must be one of 1, 2") {
		t.Error(res.text())
	}
}

func TestLists_haveIcons(t *testing.T) {
	const picture, data = "https://tiny.example/logo.PNG?v=2", "data:image/svg+xml;base64,PHN2Zy8+"
	cfg := fixture()
	cfg.Server.Model.Icon, cfg.Server.Tools[0].Model.Icon, cfg.Server.Prompts[0].Model.Icon = picture, data, picture
	cfg.Server.Resources[0].Model.Icon, cfg.Server.Resources[2].Model.Icon = data, "https://tiny.example/icon"
	url, _ := serve(t, cfg)
	ask := func(method, path string) string {
		_, body := post(t, url, modern(method, ""), `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{`+modernMeta+`}}`)
		v, err := value.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		v = v.Get("result")
		if path == "server" {
			v, path = v.Path("_meta", "io.modelcontextprotocol/serverInfo"), "icons"
		}
		for _, name := range strings.Split(path, "/") {
			if v = v.Get(name); v.Kind() == value.Array {
				v = v.At(0)
			}
		}
		return v.Text()
	}
	picked := `{"src":"` + picture + `","mimeType":"image/png"}`
	drawn := `{"src":"` + data + `","mimeType":"image/svg+xml"}`
	for _, c := range [][3]string{
		{"server/discover", "server", picked}, {"tools/list", "tools/icons", drawn},
		{"prompts/list", "prompts/icons", picked},
		{"resources/list", "resources/icons", drawn}, {"resources/templates/list", "resourceTemplates/icons", `{"src":"https://tiny.example/icon"}`},
	} {
		if got := ask(c[0], c[1]); got != c[2] {
			t.Errorf("%s: got %s, want %s", c[0], got, c[2])
		}
	}
}

func TestToolsList_saysWhenAnswersMayBeLong(t *testing.T) {
	cfg := fixture()
	cfg.Server.Tools[0].Model.MaxChars, cfg.Server.Tools[1].Model.MaxChars = 100_000, 10_000
	h := mcp.New(cfg)
	defer h.Close()
	const long = `"_meta":{"anthropic/maxResultSizeChars":100000}}`
	if all := h.Listed(); !strings.HasSuffix(string(all[0].Entry), long) ||
		strings.Contains(string(all[1].Entry), "_meta") || strings.Contains(string(all[2].Entry), "_meta") {
		t.Errorf("%s\n%s\n%s", all[0].Entry, all[1].Entry, all[2].Entry)
	}
}

func TestToolsList_tellsWhatSchemasCannotSay(t *testing.T) {
	for name, tt := range map[string]struct {
		input *schema.Schema
		want  string
	}{
		"numbers as they are spelt": {&schema.Schema{Type: "string",
			Enum: []value.Value{value.Num("1.10"), value.Num("1.2")}, Default: value.Num("1.10")},
			`{"type":"string","enum":["1.10","1.2"],"default":"1.10"}`},
		"values without a type": {&schema.Schema{Input: true, Enum: []value.Value{value.Int(1), value.Int(2)}}, `{"type":"integer","description":"One of 1, 2."}`},
		"values of several types": {&schema.Schema{Description: "Size.",
			Enum: []value.Value{value.Int(1), value.Of("auto")}},
			`{"type":"string","description":"Size.","enum":["1","auto"]}`},
		"each value once, none empty": {&schema.Schema{Type: "string", Enum: []value.Value{value.Of(""), value.Of("a"), value.Nil(), value.Of("a")}}, `{"type":"string","enum":["a"]}`},
		"nothing but null and blanks": {&schema.Schema{Type: "string", Enum: []value.Value{value.Nil(), value.Of("")}}, `{"type":"string"}`},
		"a default of another type":   {&schema.Schema{Type: "integer", Default: value.Of("many")}, `{"type":"integer"}`},
		"values of a list":            {&schema.Schema{Type: "array"}, `{"type":"array","items":{"type":"string"}}`},
		"what nests too deeply":       {nested(30).Properties[0].Schema, `"l23":{"type":"object","description":"As JSON: {l22: {l21: {l20: {`},
		"the deepest list":            {nested(7), `"l1":{"type":"array","description":"As JSON: [{code: string}]","items":{"type":"object","properties":{}}}`},
	} {
		if got := string(mcp.AppendSchema(nil, tt.input)); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}
