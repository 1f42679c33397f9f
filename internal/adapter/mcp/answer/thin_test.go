package answer

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/value"
)

func TestThin_keepsTheNumberOfItems(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`[1,2,3]`, `[1,2,3]`},
		{`[100,200,300,400,500]`, `[100,200,300,0,0]`},
		{`{"a":[{"b":"x,y]"},{"c":[1,2]},[3],"d\\",5,{}],"e":"whatever this is"}`,
			`{"a":[{"b":"x,y]"},0,0,0,0,0],"e":"whatever this is"}`},
		{`[[100,200,300,400],"aaaaaaaaa",true]`, `[[100,200,300,0],0,0]`},
		{`"a text [that, is] long"`, `"a text [that, is] long"`},
		{`[]`, `[]`},
	} {
		if got := string(thin([]byte(c.text), 10)); got != c.want {
			t.Errorf("%s is %s, want %s", c.text, got, c.want)
		}
	}
}

// FuzzThin_isJSONWithAsManyItems: and never longer.
func FuzzThin_isJSONWithAsManyItems(f *testing.F) {
	f.Add(" [ 1 ,\t{ \"a b\" : \"\\u00e9 \\\" \" }\r\n]", 1)
	f.Add(`{"a":[1,"x\\",{"b":[[],{}]},null],"c":[[1,2,3],[4,5,6]]}`, 3)
	f.Fuzz(func(t *testing.T, text string, n int) {
		v, err := value.Parse([]byte(text))
		if err != nil || n < 0 {
			t.Skip()
		}
		same, err := jsontext.AppendFormat(nil, text, compactOptions...)
		if squeezed := squeeze([]byte(text)); err != nil || string(squeezed) != string(same) {
			t.Errorf("%s squeezed is %s", text, squeezed)
		}
		compact := v.AppendJSON(nil)
		long := len(compact)
		thinned, err := value.Parse(thin(compact, n))
		if err != nil || len(thinned.AppendJSON(nil)) > long || thinned.Len() != v.Len() {
			t.Errorf("%s: %v, %s", text, err, thinned.AppendJSON(nil))
		}
		if n > long && string(thinned.AppendJSON(nil)) != string(v.AppendJSON(nil)) {
			t.Errorf("%s: %s", text, thinned.AppendJSON(nil))
		}
	})
}
