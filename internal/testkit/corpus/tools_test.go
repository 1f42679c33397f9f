package corpus_test

import (
	"regexp"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/testkit/corpus"
	"github.com/fairlead/fairlead/internal/value"
)

var (
	toolName     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	propertyName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)
)

// Every tool of every document is one that Claude, OpenAI and Gemini accept: one
// bad schema makes them refuse the whole list (mcp.md section 5).
func TestTools_areAcceptedByEveryModel(t *testing.T) {
	tools := 0
	for _, d := range corpus.Compile(corpus.Paths(t), nil) {
		if d.Plan == nil {
			continue
		}
		for _, s := range d.Plan.Servers {
			if s.Type != "mcp" {
				continue
			}
			h := mcp.New(mcp.Config{Plan: d.Plan, Server: s})
			seen := map[string]bool{}
			for _, tool := range h.Listed() {
				tools++
				wrong := func(what string) { t.Errorf("%s: %s: %s", d.Name, tool.Name, what) }
				if !toolName.MatchString(tool.Name) || seen[tool.Name] {
					wrong("the name is not valid, or given twice")
				}
				seen[tool.Name] = true
				entry, err := value.Parse(tool.Entry)
				if err != nil {
					wrong(err.Error())
					continue
				}
				for _, name := range []string{"inputSchema", "outputSchema"} {
					s := entry.Get(name)
					if s.IsAbsent() && name == "outputSchema" {
						continue
					}
					if s.Get("type").Text() != "object" {
						wrong(name + " is not an object")
					}
					portable(s, name, name == "inputSchema", wrong)
				}
			}
			h.Close()
		}
	}
	t.Logf("%d tools", tools)
}

// portable walks a schema. Names of properties matter where a model has to write them.
func portable(s value.Value, path string, written bool, wrong func(string)) {
	for _, keyword := range []string{"$ref", "$defs", "oneOf", "anyOf", "allOf", "not"} {
		if !s.Get(keyword).IsAbsent() {
			wrong(path + " has " + keyword)
		}
	}
	if s.Get("type").Text() == "array" && s.Get("items").Kind() != value.Object {
		wrong(path + " has no items")
	}
	if items := s.Get("items"); !items.IsAbsent() {
		portable(items, path+"[]", written, wrong)
	}
	properties := s.Get("properties")
	for i := range properties.Len() {
		name := properties.Name(i)
		if written && !propertyName.MatchString(name) {
			wrong(path + " has the property " + name)
		}
		portable(properties.At(i), path+"."+name, written, wrong)
	}
}
