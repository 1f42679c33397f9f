package script

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// stepsPerStatement makes the interpreter's instructions out of statements: a
// line of Python compiles to fewer than this many.
const stepsPerStatement = 20

// dialect is as near to Python as Starlark gets.
func dialect() *syntax.FileOptions {
	return &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}
}

// starlarkScript is the sources compiled as one module, because functions of a
// dependency share their globals with the script. lines tells whose line it is.
type starlarkScript struct {
	program *starlark.Program
	lines   lineMap
}

func compileStarlark(sources []string) (compiled, *SyntaxError) {
	script := &starlarkScript{}
	var module strings.Builder
	for i, text := range sources {
		number := sourceNumber(i, len(sources)-1)
		if _, err := dialect().Parse("", text, 0); err != nil {
			refused := starlarkSyntax(err, text)
			refused.Source = number
			return nil, refused
		}
		text = strings.TrimSuffix(text, "\n") + "\n"
		script.lines = append(script.lines, region{source: number, lines: strings.Count(text, "\n")})
		module.WriteString(text)
	}
	file, err := dialect().Parse("", module.String(), 0)
	if err == nil {
		predeclared := predeclared(starlark.None)
		script.program, err = starlark.FileProgram(file, predeclared.Has)
	}
	if err != nil {
		refused := starlarkSyntax(err, module.String())
		refused.Source, refused.Line = script.lines.find(refused.Line)
		return nil, refused
	}
	if script.program.NumLoads() > 0 {
		_, position := script.program.Load(0)
		refused := &SyntaxError{Column: int(position.Col),
			Message: "there is nothing to load: name the file among the dependencies"}
		refused.Source, refused.Line = script.lines.find(int(position.Line))
		return nil, refused
	}
	return script, nil
}

// lineMap tells which lines of a module came from which source.
type lineMap []region

type region struct{ source, lines int }

// find returns the source of a line of the module and the line's number in it.
func (m lineMap) find(line int) (source, number int) {
	for _, r := range m {
		if line <= r.lines {
			return r.source, line
		}
		line -= r.lines
	}
	return 0, line
}

// notStarlark are the words that begin what Python has and Starlark has not.
var notStarlark = map[string]string{
	"import": "modules cannot be imported", "from": "modules cannot be imported",
	"class": "there are no classes", "try": "there are no exceptions", "except": "there are no exceptions",
	"raise": "there are no exceptions, call fail(message)", "with": "there is no with statement",
	"assert": "there is no assert statement", "del": "there is no del statement, call pop(key)",
	"global": "there is no global statement", "nonlocal": "there is no nonlocal statement",
	"async": "there are no coroutines", "await": "there are no coroutines", "yield": "there are no generators",
	"is": "there is no is operator, use ==",
}

// starlarkSyntax places err, and says what Starlark lacks where the line shows it.
func starlarkSyntax(err error, text string) *SyntaxError {
	refused := &SyntaxError{Line: 1, Column: 1, Message: clip(err.Error())}
	var parse syntax.Error
	var names resolve.ErrorList
	switch {
	case errors.As(err, &parse):
		refused.Line, refused.Column, refused.Message = int(parse.Pos.Line), int(parse.Pos.Col), clip(parse.Msg)
	case errors.As(err, &names) && len(names) > 0:
		sort.SliceStable(names, func(i, j int) bool { return names[i].Pos.Line < names[j].Pos.Line })
		refused.Line, refused.Column, refused.Message = int(names[0].Pos.Line), int(names[0].Pos.Col),
			clip(names[0].Msg)
	}
	lines := strings.Split(text, "\n")
	if refused.Line < 1 || refused.Line > len(lines) {
		return refused
	}
	if words := strings.Fields(lines[refused.Line-1]); len(words) > 0 {
		if why, ok := notStarlark[strings.TrimRight(words[0], ":")]; ok {
			refused.Message = fmt.Sprintf("%s: in Starlark, the subset of Python that runs here, %s", refused.Message,
				why)
		}
	}
	return refused
}

func (s *starlarkScript) run(context []byte, lim limits) ([]byte, *ScriptError) {
	value, err := decodeStarlark(context)
	if err != nil {
		return nil, &ScriptError{Message: clip(err.Error())}
	}
	thread := &starlark.Thread{Print: func(*starlark.Thread, string) {}}
	thread.SetMaxExecutionSteps(uint64(lim.statements) * stepsPerStatement)
	thread.OnMaxSteps = func(t *starlark.Thread) {
		t.Cancel(fmt.Sprintf("more than %d statements", lim.statements))
	}
	globals, err := s.program.Init(thread, predeclared(value))
	if err != nil {
		return nil, s.failure(err)
	}
	result, ok := globals["result"]
	if !ok {
		return nil, nil
	}
	w := starlarkWriter{out: output{limit: lim.output}}
	if err = w.write(result, 0); err == nil {
		err = w.out.room(0)
	}
	if err != nil {
		return nil, &ScriptError{Message: clip(err.Error())}
	}
	return w.out.text, nil
}

// failure places err at the innermost call that is in the script.
func (s *starlarkScript) failure(err error) *ScriptError {
	failed := &ScriptError{Message: clip(err.Error())}
	var evaluation *starlark.EvalError
	if !errors.As(err, &evaluation) {
		return failed
	}
	for i := range evaluation.CallStack {
		position := evaluation.CallStack.At(i).Pos
		if position.Filename() == "" && position.Line > 0 {
			failed.Source, failed.Line = s.lines.find(int(position.Line))
			failed.Column = int(position.Col)
			break
		}
	}
	return failed
}
