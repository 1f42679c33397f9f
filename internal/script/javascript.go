package script

import (
	"errors"
	"strconv"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// callDepth is how many calls of JavaScript may be open. Leaving calls that went
// through a native takes a time that grows with the square of their number.
const callDepth = 4_000

// javaScript is a list of programs that run one after the other in one scope.
// Each is named with its source number.
type javaScript struct {
	programs []*goja.Program
	result   *goja.Program // reads the variable, whatever declared it
}

func compileJavaScript(sources []string) (compiled, *SyntaxError) {
	js := &javaScript{}
	for i, text := range sources {
		number := sourceNumber(i, len(sources)-1)
		program, err := parseJavaScript(strconv.Itoa(number), text)
		if err != nil {
			err.Source = number
			return nil, err
		}
		js.programs = append(js.programs, program)
	}
	js.result = goja.MustCompile("", "typeof result === 'undefined' ? undefined : result", false)
	return js, nil
}

func parseJavaScript(name, text string) (*goja.Program, *SyntaxError) {
	// Without the option, the parser reads the file that a sourceMappingURL names.
	tree, err := parser.ParseFile(nil, name, text, 0, parser.WithDisableSourceMaps)
	if err != nil {
		var list parser.ErrorList
		if errors.As(err, &list) && len(list) > 0 {
			first := list[0]
			return nil, &SyntaxError{Line: first.Position.Line, Column: first.Position.Column, Message: clip(first.Message)}
		}
		return nil, &SyntaxError{Line: 1, Column: 1, Message: clip(err.Error())}
	}
	program, err := goja.CompileAST(tree, false)
	if err != nil {
		refused := &SyntaxError{Line: 1, Column: 1, Message: clip(err.Error())}
		var syntax *goja.CompilerSyntaxError
		if errors.As(err, &syntax) && syntax.File != nil {
			position := syntax.File.Position(syntax.Offset)
			refused.Line, refused.Column, refused.Message = position.Line, position.Column, clip(syntax.Message)
		}
		return nil, refused
	}
	return program, nil
}

func (js *javaScript) run(context []byte, lim limits) ([]byte, *ScriptError) {
	vm := goja.New()
	vm.SetParserOptions(parser.WithDisableSourceMaps) // for eval and Function
	vm.SetMaxCallStackSize(callDepth)
	unhandled := rejections{}
	vm.SetPromiseRejectionTracker(unhandled.track)

	w := &jsWriter{vm: vm, out: output{limit: lim.output}}
	w.isArray, _ = goja.AssertFunction(vm.Get("Array").ToObject(vm).Get("isArray"))
	if err := define(vm, context); err != nil {
		return nil, &ScriptError{Message: clip(err.Error())}
	}
	for _, program := range js.programs {
		if _, err := vm.RunProgram(program); err != nil {
			return nil, exception(vm, err)
		}
	}
	for promise := range unhandled {
		return nil, rejected(vm, promise)
	}
	result, err := vm.RunProgram(js.result)
	if err != nil {
		return nil, exception(vm, err)
	}
	return w.encode(result)
}

// define sets the variables that a script finds: context, and a console that
// says nothing.
func define(vm *goja.Runtime, context []byte) error {
	value, err := decodeJavaScript(vm, context)
	if err != nil {
		return err
	}
	silent := func(goja.FunctionCall) goja.Value { return goja.Undefined() }
	console := vm.NewObject()
	for _, name := range []string{"debug", "error", "info", "log", "trace", "warn"} {
		if err := console.Set(name, silent); err != nil {
			return err
		}
	}
	return errors.Join(vm.Set("context", value), vm.Set("console", console))
}

// rejections are the promises that failed and that nobody listens to: without
// them the failure of an async function would look like a missing result.
type rejections map[*goja.Promise]struct{}

func (r rejections) track(p *goja.Promise, operation goja.PromiseRejectionOperation) {
	if operation == goja.PromiseRejectionReject {
		r[p] = struct{}{}
	} else {
		delete(r, p)
	}
}

func rejected(vm *goja.Runtime, p *goja.Promise) *ScriptError {
	return &ScriptError{Message: clip("a promise was rejected: " + text(vm, p.Result()))}
}

// exception turns what ended a script into an error with the place of the
// nearest frame that is in one of its sources.
func exception(vm *goja.Runtime, err error) *ScriptError {
	failed := &ScriptError{Message: "the script failed"}
	var frames []goja.StackFrame
	var overflow *goja.StackOverflowError
	var thrown *goja.Exception
	switch {
	case errors.As(err, &overflow):
		failed.Message = "more than 4000 calls are open (endless recursion?)"
		frames = overflow.Stack()
	case errors.As(err, &thrown):
		failed.Message = clip(text(vm, thrown.Value()))
		frames = thrown.Stack()
	}
	for _, frame := range frames {
		if number, err := strconv.Atoi(frame.SrcName()); err == nil {
			position := frame.Position()
			failed.Source, failed.Line, failed.Column = number, position.Line, position.Column
			break
		}
	}
	return failed
}

// text is v as JavaScript prints it, which may run the script's own toString.
func text(vm *goja.Runtime, v goja.Value) (s string) {
	if v == nil {
		return "undefined"
	}
	if failed := try(vm, func() { s = v.String() }); failed != nil {
		return "an object that cannot be printed"
	}
	return s
}

// try runs f, which may run code of the script, and returns what it throws:
// exceptions and, unlike Runtime.Try, a stack overflow too.
func try(vm *goja.Runtime, f func()) (err error) {
	defer func() {
		if x := recover(); x != nil {
			overflow, ok := x.(*goja.StackOverflowError)
			if !ok {
				panic(x)
			}
			err = overflow
		}
	}()
	if thrown := vm.Try(f); thrown != nil {
		return thrown
	}
	return nil
}

// clip shortens a message to a kilobyte.
func clip(message string) string {
	const most = 1000
	if len(message) > most {
		message = strings.ToValidUTF8(message[:most], "") + "…"
	}
	return strings.ToValidUTF8(message, "\ufffd")
}
