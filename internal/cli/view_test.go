package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/host"
)

// TestExplain_textSaysWhatDataSays: whatever explain prints as data stands in its text,
// too, but for the name of the file and the words that say where an input comes from.
func TestExplain_textSaysWhatDataSays(t *testing.T) {
	src, err := host.Read("", host.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d := host.Compile(src, compile.Options{})
	leaves := 0
	for _, u := range d.Plan.Units() {
		args, err := arguments(u, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		e := explain(d, u, args)
		var text bytes.Buffer
		e.text(&text)
		encoded, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var data any
		if err := json.Unmarshal(encoded, &data); err != nil {
			t.Fatal(err)
		}
		eachText("", data, func(key, leaf string) {
			if key == "document" || key == "origin" {
				return
			}
			for line := range strings.SplitSeq(leaf, "\n") {
				leaves++
				if !strings.Contains(text.String(), strings.TrimSpace(line)) {
					t.Errorf("%s: %q does not stand in the text:\n%s", key, line, text.String())
				}
			}
		})
	}
	if leaves < 100 {
		t.Errorf("only %d texts", leaves)
	}
}

// eachText calls do with the texts of decoded JSON and the keys that they stand below.
func eachText(key string, data any, do func(key, leaf string)) {
	switch data := data.(type) {
	case string:
		do(key, data)
	case []any:
		for _, item := range data {
			eachText(key, item, do)
		}
	case map[string]any:
		for key, item := range data {
			eachText(key, item, do)
		}
	}
}
