package script

import (
	"reflect"
	"strings"

	"github.com/dop251/goja/ast"
)

// Limits on the shape of JavaScript. The parser and the compiler recurse, with
// up to 3.4 KB of stack for one opening bracket and a time that grows with the
// square of the depth; a goroutine that outgrows its stack takes the whole
// process with it. So brackets and arrows, the only tokens that cost much stack,
// are counted before the text is parsed, and the depth of the tree is measured
// before it is compiled. No script written by people comes near.
const (
	maxOpenings = 20_000
	maxNesting  = 1_000
)

// tooManyOpenings tells whether parsing text may need too much stack.
func tooManyOpenings(text string) bool {
	n := strings.Count(text, "=>")
	for _, c := range []string{"(", "[", "{"} {
		n += strings.Count(text, c)
	}
	return n > maxOpenings
}

// tooDeep tells whether the tree has more than maxNesting levels.
func tooDeep(tree *ast.Program) bool { return deeper(reflect.ValueOf(tree.Body), maxNesting) }

// deeper tells whether v has more than levels nodes above one another.
func deeper(v reflect.Value, levels int) bool {
	if levels < 0 {
		return true
	}
	switch v.Kind() {
	case reflect.Interface:
		return !v.IsNil() && deeper(v.Elem(), levels)
	case reflect.Pointer:
		return !v.IsNil() && isSyntax(v.Type().Elem()) && deeper(v.Elem(), levels-1)
	case reflect.Slice:
		for i := range v.Len() {
			if deeper(v.Index(i), levels) {
				return true
			}
		}
	case reflect.Struct:
		if !isSyntax(v.Type()) {
			return false
		}
		for i := range v.NumField() {
			// DeclarationList repeats what the body holds.
			if v.Type().Field(i).Name != "DeclarationList" && deeper(v.Field(i), levels) {
				return true
			}
		}
	}
	return false
}

func isSyntax(t reflect.Type) bool { return t.PkgPath() == reflect.TypeFor[ast.Program]().PkgPath() }
