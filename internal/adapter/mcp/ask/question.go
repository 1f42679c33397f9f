// Package ask holds what users are asked before a request is served: questions
// for inputs that a caller left out, whether to go ahead, the forms of both, and
// the signed texts by which answers travel with the client.
package ask

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// Question is what users are asked when a caller leaves an input out.
type Question struct {
	*plan.Question
	fields []Field // one for each of its inputs
}

// Field is one field of a form.
type Field struct {
	Name     string
	Title    string
	Schema   *schema.Schema
	Required bool
}

// Form is what a user gets to see.
type Form struct {
	Name    string // the question's
	message string
	fields  []Field
}

// NewQuestions prepares questions over inputs that fieldOf describes.
func NewQuestions(all []*plan.Question, fieldOf func(input int) Field) (questions []*Question) {
	for _, p := range all {
		q := &Question{Question: p}
		for _, input := range p.Inputs {
			q.fields = append(q.fields, fieldOf(input))
		}
		questions = append(questions, q)
	}
	return questions
}

// IsList reports whether an answer has several values, for which forms have
// fields since 2025-11-25 only.
func (q *Question) IsList() bool {
	return slices.ContainsFunc(q.fields, func(f Field) bool { return f.Schema.Type == "array" })
}

// Dialog is what is asked before a request is served.
type Dialog struct {
	subject   string // what is served
	Questions []*Question
	Values    []value.Value // by input; answers are filled in
	Confirm   func() string // the question whether to go ahead, asked last; nil asks none
	given     string        // values as the caller gave them
}

func NewDialog(subject string, questions []*Question, values []value.Value) *Dialog {
	return &Dialog{subject: subject, Questions: questions, Values: values, given: value.List(values...).Text()}
}

// Answers are what a user has said so far. With 2026-07-28 they travel in the
// requestState from one call to the next.
type Answers struct {
	Fields  value.Value // by question, then by field
	offered bool        // the user has seen the question whether to go ahead
	ticket  string      // names the requestState that says so
}

// SealAnswers signs what the user has said so far.
func (s Signer) SealAnswers(d *Dialog, said Answers) string {
	state := value.Map(value.Member{Name: "fields", Value: said.Fields},
		value.Member{Name: "offered", Value: value.Boolean(said.offered)})
	return s.Seal("state", d, state.AppendJSON(nil))
}

// Resume returns what the user has said so far, as SealAnswers signed it for the
// same d; false when it did not. A text that is too old says nothing: its questions
// are asked again.
func (s Signer) Resume(text string, d *Dialog) (said Answers, ok bool) {
	said.Fields = value.Map()
	payload, ticket, state := s.Unseal(text, "state", d)
	if state == forged {
		return said, false
	}
	if v, err := value.Parse(payload); state == Good && err == nil {
		said = Answers{value.Copy(v.Get("fields")), v.Get("offered").True(), ticket}
	}
	return said, true
}

// Round is what one request knows of its client and the user.
type Round struct {
	Responses value.Value              // what the user answered, by question
	CanAsk    func(*Question) bool     // whether the question can be put to the user
	Once      func(ticket string) bool // whether a ticket is used for the first time
}

// Collect takes the user's responses and returns what is still to be asked; why
// is set when the user does not want to go on.
func (d *Dialog) Collect(said *Answers, r Round) (forms []Form, why string) {
	open := slices.DeleteFunc(slices.Clone(d.Questions), func(q *Question) bool {
		if content := said.Fields.Get(q.Name); !content.IsAbsent() {
			q.fill(d.Values, content)
			return true
		}
		return !r.CanAsk(q) || !q.isMissing(d.Values)
	})
	waits := func(input int) bool {
		return slices.ContainsFunc(open, func(q *Question) bool {
			return slices.Contains(q.Inputs, input) && said.Fields.Get(q.Name).IsAbsent()
		})
	}
	for _, q := range open {
		// Questions name what earlier ones ask for, so those come first.
		if slices.ContainsFunc(q.Vars, func(i int) bool { return d.Values[i].IsAbsent() && waits(i) }) {
			continue
		}
		response, note := r.Responses.Get(q.Name), ""
		switch response.Get("action").Text() {
		case "accept":
			content := response.Get("content")
			if note = q.fill(d.Values, content); note == "" {
				said.Fields.Set(q.Name, q.only(content))
				continue
			}
		case "decline", "cancel":
			return nil, "The user did not answer: " + q.Text(d.Values)
		}
		forms = append(forms, q.form(note, d.Values))
	}
	if len(forms) > 0 || d.Confirm == nil {
		return forms, ""
	}
	if said.offered {
		response := r.Responses.Get(plan.ConfirmQuestion)
		switch action := response.Get("action").Text(); {
		case action == "accept" && agreed(response.Get("content")):
			if r.Once(said.ticket) {
				return nil, ""
			}
		case action != "":
			return nil, "The user did not confirm. Nothing was sent."
		}
	}
	said.offered = true
	return []Form{goAhead(d.Confirm())}, ""
}

// isMissing reports whether the caller left out something that q asks for.
func (q *Question) isMissing(values []value.Value) bool {
	return slices.ContainsFunc(q.Inputs, func(i int) bool { return values[i].IsAbsent() })
}

// form is what the user gets to see. What the caller gave is filled in.
func (q *Question) form(note string, values []value.Value) Form {
	f := Form{q.Name, note + q.Text(values), slices.Clone(q.fields)}
	for i := range f.fields {
		if v := values[q.Inputs[i]]; !v.IsAbsent() {
			filled := *f.fields[i].Schema
			filled.Default = v
			f.fields[i].Schema = &filled
		}
	}
	return f
}

// Text is the message with the inputs that it names.
func (q *Question) Text(values []value.Value) string {
	text, err := q.Message.Append(nil, func(i int) value.Value {
		if v := values[q.Vars[i]]; !v.IsAbsent() {
			return v
		}
		return value.Of("")
	}, template.Raw)
	if err != nil {
		return q.Message.Source()
	}
	return string(text)
}

// fill takes the fields of an answer over into values. When they do not fit it
// changes nothing and returns what the user is told.
func (q *Question) fill(values []value.Value, content value.Value) (note string) {
	converted := make([]value.Value, len(q.fields))
	var problems []string
	for i, f := range q.fields {
		v := content.Get(f.Name)
		if v.Kind() <= value.Null || v.Kind() == value.String && v.Text() == "" {
			if f.Required && values[q.Inputs[i]].IsAbsent() {
				problems = append(problems, f.Name+" is required")
			}
			continue
		}
		v, problem := f.Schema.Convert(v)
		if problem != nil {
			problems = append(problems, f.Name+" "+problem.Error())
		}
		converted[i] = v
	}
	if problems != nil {
		return "Please correct: " + strings.Join(problems, "; ") + ".\n"
	}
	for i, v := range converted {
		if !v.IsAbsent() {
			values[q.Inputs[i]] = v
		}
	}
	return ""
}

// only is what an answer says of q's fields.
func (q *Question) only(content value.Value) value.Value {
	kept := value.Map()
	for _, f := range q.fields {
		if v := content.Get(f.Name); !v.IsAbsent() {
			kept.Set(f.Name, v)
		}
	}
	return kept
}

// AppendTo appends the members of elicitation/create's parameters.
func (f *Form) AppendTo(dst []byte, version string) []byte {
	dst = value.AppendString(append(dst, `"message":`...), f.message)
	dst = append(dst, `,"requestedSchema":{"type":"object","properties":{`...)
	required := value.List()
	for i := range f.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = f.fields[i].schemaFor(version).AppendJSON(append(value.AppendString(dst, f.fields[i].Name), ':'))
		if f.fields[i].Required {
			required.Append(value.Of(f.fields[i].Name))
		}
	}
	dst = append(dst, '}')
	if required.Len() > 0 {
		dst = required.AppendJSON(append(dst, `,"required":`...))
	}
	return append(dst, '}')
}

// schemaFor is the field in the subset of JSON Schema that forms have
// (PrimitiveSchemaDefinition of the revision).
func (f *Field) schemaFor(version string) value.Value {
	s, v := f.Schema, value.Map()
	kind := s.Type
	if kind == "" || len(s.Enum) > 0 {
		kind = "string"
	}
	v.Add("type", value.Of(kind))
	if f.Title != "" {
		v.Add("title", value.Of(f.Title))
	}
	if s.Description != "" {
		v.Add("description", value.Of(s.Description))
	}
	if kind == "array" {
		v.Add("items", optionsFor(s.Items, "anyOf", version))
	}
	for i, options := 0, optionsFor(s, "oneOf", version); i < options.Len(); i++ {
		v.Set(options.Name(i), options.At(i))
	}
	if s.MaxLength > 0 && kind == "string" && len(s.Enum) == 0 {
		v.Add("maxLength", value.Int(int64(s.MaxLength)))
	}
	switch {
	case s.Default.IsAbsent():
	case len(s.Enum) > 0:
		v.Add("default", value.Of(s.Default.Text()))
	default:
		v.Add("default", s.Default)
	}
	return v
}

// optionsFor are the values to choose from, under titles if they have some: as a
// list of constants below keyword, or, in older revisions and where the document
// says so, as enumNames.
func optionsFor(s *schema.Schema, keyword, version string) value.Value {
	v := value.Map()
	if len(s.Enum) == 0 {
		return v
	}
	if s.Titles != nil && !s.EnumNames && version >= wire.NewestLegacy {
		constants := value.List()
		for i, e := range s.Enum {
			constants.Append(value.Map(value.Member{Name: "const", Value: value.Of(e.Text())},
				value.Member{Name: "title", Value: value.Of(s.Titles[i])}))
		}
		v.Add(keyword, constants)
		return v
	}
	texts, names := value.List(), value.List()
	for _, e := range s.Enum {
		texts.Append(value.Of(e.Text()))
	}
	v.Add("type", value.Of("string"))
	v.Add("enum", texts)
	if s.Titles != nil {
		for _, title := range s.Titles {
			names.Append(value.Of(title))
		}
		v.Add("enumNames", names)
	}
	return v
}
