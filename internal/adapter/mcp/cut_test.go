package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/value"
)

// jsonValue draws JSON that may be far larger than any cap, of about room scalars:
// wide or deep, with long texts and names and numbers of many digits.
func jsonValue(t *rapid.T, depth, room int) value.Value {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	length := min(room, rapid.SampledFrom([]int{0, 1, 3, 20, 300}).Draw(t, "length"))
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return value.Nil()
	case 1:
		return value.Num("1" + strings.Repeat("0", length*10))
	case 2:
		return value.Of(strings.Repeat(rapid.SampledFrom([]string{"x", "é", `"`, "\n", "\x01", "日本"}).Draw(t, "text"), length*10))
	case 3:
		return value.Boolean(true)
	case 4:
		list := value.List()
		item := jsonValue(t, depth-1, room/max(length, 1))
		for range length {
			list.Append(item)
		}
		return list
	default:
		object := value.Map()
		item, name := jsonValue(t, depth-1, room/max(length, 1)),
			strings.Repeat("n", rapid.IntRange(0, 30).Draw(t, "name"))
		for i := range length {
			object.Add(fmt.Sprint(name, i), item)
		}
		object.Add("last", jsonValue(t, depth-1, room/2))
		return object
	}
}

func TestToolsCall_neverExceedsItsCap(t *testing.T) {
	const limit = 3000
	var answer value.Value
	cfg := fixture()
	cfg.MaxChars = limit
	cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
		return raw(answer.Text()), nil
	}}
	url, _ := serve(t, cfg)
	check := func(fatalf func(string, ...any), v value.Value) {
		answer = value.List(v)
		res := call(t, url, "list_cities", `{}`)
		text := res.Content[0].Text
		if n := utf8.RuneCountInString(text); n > limit || !json.Valid([]byte(text)) {
			fatalf("%d characters, valid %v, of %d", n, json.Valid([]byte(text)), utf8.RuneCountInString(answer.Text()))
		}
		if n := utf8.RuneCountInString(res.text()); n > limit {
			fatalf("%d characters in all blocks", n)
		}
		if whole := utf8.RuneCountInString(answer.Text()); whole > limit &&
			!strings.Contains(res.text(), "Cut to fit") {
			fatalf("nothing says that %d characters were cut: %s", whole, res.text())
		}
	}
	rapid.Check(t, func(r *rapid.T) { check(r.Fatalf, jsonValue(r, 4, 1000)) })
	wide := value.Map()
	for i := range 2000 {
		wide.Add(fmt.Sprintf("k%04d", i),
			value.Map(value.Member{Name: "text", Value: value.Of(strings.Repeat("x", 5000))}))
	}
	check(t.Fatalf, wide)
}
