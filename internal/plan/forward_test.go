package plan_test

import (
	"testing"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/upstream"
)

func TestForward_passesTheQueryWithoutWhatEndsIt(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"a=1&b=%20+", "a=1&b=%20+"},
		{"a=1#b", "a=1%23b"},
		{"a=x y\"<é", "a=x%20y%22%3C%C3%A9"},
		{"a=%zz", "a=%25zz"},
		{"key=1&a=2&%6bey=3", "a=2"},
		{"a=1;key=2&b=3", "b=3"},
		{"KEY=1&%20key=2&+key=3&key[]=4&key%5Ba%5D=5&keys=6", "keys=6"},
		{"a=%zz;b=1", "a=%25zz;b=1"},
	} {
		f := &plan.Forward{Request: &upstream.Request{}, Own: []string{"key"}}
		got, err := f.Of("GET", "", c.query).Query.Eval(nil)
		if err != nil || got.Text() != c.want {
			t.Errorf("%s passes as %s, %v, want %s", c.query, got.Text(), err, c.want)
		}
	}
}
