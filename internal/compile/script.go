package compile

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/script"
	"github.com/fairlead/fairlead/internal/value"
)

// languages are what the suffix of a script's file says.
var languages = map[string]string{".js": "javascript", ".mjs": "javascript", ".py": "python", ".star": "starlark",
	".groovy": "groovy"}

// script compiles a script step: its file is read and checked now, so that a
// script that cannot run withholds its unit.
func (s *scope) script(step *plan.Step, m *model.Step) bool {
	at := m.Node.Where("file")
	settings := s.compiler.model.Scripting
	if settings.Unreadable {
		s.compiler.report(diag.ScriptRefused, at, "Correct management.scripting of the control server.",
			"what scripts may do in this document cannot be read")
		return false
	}
	if settings.Off {
		s.compiler.report(diag.ScriptRefused, at, "Set management.scripting.enabled of the control server to true.",
			"scripts are switched off in this document")
		return false
	}
	language := cmp.Or(m.Language, languages[path.Ext(m.File)], settings.Language)
	if len(settings.Allowed) > 0 &&
		!slices.ContainsFunc(settings.Allowed, func(name string) bool { return strings.EqualFold(name, language) }) {
		s.compiler.report(diag.ScriptRefused, at, "Add it to management.scripting.allowedLanguages.",
			"the language “%s” is not allowed in this document", language)
		return false
	}
	folder := cmp.Or(m.Location, settings.Location)
	key := strings.Join(append([]string{language, folder, m.File}, m.Dependencies...), "\x00")
	program, known := s.compiler.programs[key]
	if !known {
		program = s.program(folder, language, m)
		if program != nil {
			program.Statements = settings.Statements
		}
		s.compiler.programs[key] = program
	}
	if program == nil {
		s.compiler.failed = true
		return false
	}
	step.Kind = plan.ScriptStep
	step.Script = &plan.Script{Program: program, File: m.File}
	if settings.Milliseconds > 0 {
		step.Script.Timeout = time.Duration(settings.Milliseconds) * time.Millisecond
	}
	for name := range s.declared { // context holds every input too
		s.used[name] = true
	}
	if !s.compiler.spend(len(s.unit.Steps), at) {
		return false
	}
	for _, earlier := range s.unit.Steps { // context holds them all, so it runs after them
		s.reads[earlier.Result] = true
		step.Script.Before = append(step.Script.Before, plan.Named{Name: earlier.Name, From: expr.Slot(earlier.Result)})
	}
	for _, a := range m.With {
		e, ok := s.scriptArgument(m, a)
		if !ok {
			return false
		}
		step.Script.With = append(step.Script.With, plan.Named{Name: a.Key, From: e})
	}
	return true
}

// program reads a script and its dependencies; nil when they cannot be read,
// which is reported at the first step that names them.
func (s *scope) program(folder, language string, m *model.Step) *script.Program {
	source, ok := s.compiler.scriptFile(folder, m.File, m)
	if !ok {
		return nil
	}
	var dependencies []string
	for _, file := range m.Dependencies {
		text, ok := s.compiler.scriptFile(folder, file, m)
		if !ok {
			return nil
		}
		dependencies = append(dependencies, text)
	}
	program, err := script.Check(language, source, dependencies...)
	if err != nil {
		s.compiler.reportScript(m, err)
		return nil
	}
	return program
}

func (s *scope) scriptArgument(m *model.Step, a model.Argument) (expr.Expr, bool) {
	h := usage{origin: "with", place: plan.InBody, required: true, feeds: a.Key + " of step " + m.Name}
	if name, ok := s.reference(a.Value.Str()); ok && a.Value.Is(value.String) {
		return s.input(name, h, a.Value.At), true
	}
	return s.data(a.Value, func(name string,
		optional bool) expr.Expr {
		return s.callerVariable(name, h, a.Value.At, optional)
	})
}

func (k *compiler) scriptFile(folder, file string, m *model.Step) (string, bool) {
	at := m.Node.Where("file")
	if file == "" || strings.Contains(file, "..") || path.IsAbs(file) {
		k.report(diag.ScriptRefused, at, "Name a file below the script's location.",
			"“%s” is not the path of a script", file)
		return "", false
	}
	if k.options.Files == nil {
		k.report(diag.ScriptRefused, at, "Serve the document from a file, beside its scripts.",
			"the document has no folder to read “%s” from", file)
		return "", false
	}
	text, err := k.options.Files.ReadFile(strings.TrimSuffix(document.FilePath(folder), "/") + "/" + file)
	if folder == "" {
		text, err = k.options.Files.ReadFile(file)
	}
	if err != nil {
		k.report(diag.ScriptRefused, at, "Put the file there, or correct location and file.",
			"the script “%s” cannot be read: %s", file, err)
		return "", false
	}
	return string(text), true
}

// reportScript says why a script cannot run, at its own place when it has one.
func (k *compiler) reportScript(m *model.Step, err error) {
	at := m.Node.Where("file")
	hint := "Correct the script."
	if unknown := new(script.LanguageError); errors.As(err, &unknown) {
		at, hint = m.Node.Where("language"), "Write it in JavaScript or in the Starlark subset of Python."
	}
	k.report(diag.ScriptRefused, at, hint, "the script “%s” cannot run: %s", m.File, err)
}
