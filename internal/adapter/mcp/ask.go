package mcp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// maxRounds is how often one legacy request may ask its user more than there are
// questions.
const maxRounds = 10

// question is what users are asked when a caller leaves an input out.
type question struct {
	*plan.Question
	fields []field // one for each of its inputs
}

// field is one field of a form.
type field struct {
	name     string
	title    string
	schema   *schema.Schema
	required bool
}

// form is what a user gets to see.
type form struct {
	name    string // the question's
	message string
	fields  []field
}

// newQuestions prepares questions over inputs that fieldOf describes.
func newQuestions(all []*plan.Question, fieldOf func(input int) field) (questions []*question) {
	for _, p := range all {
		q := &question{Question: p}
		for _, input := range p.Inputs {
			q.fields = append(q.fields, fieldOf(input))
		}
		questions = append(questions, q)
	}
	return questions
}

// isList reports whether an answer has several values, for which forms have
// fields since 2025-11-25 only.
func (q *question) isList() bool {
	return slices.ContainsFunc(q.fields, func(f field) bool { return f.schema.Type == "array" })
}

// dialog is what is asked before a request is served.
type dialog struct {
	subject   string // what is served
	questions []*question
	values    []value.Value // by input; answers are filled in
	confirm   func() string // the question whether to go ahead, asked last; nil asks none
	given     string        // values as the caller gave them
}

func newDialog(subject string, questions []*question, values []value.Value) *dialog {
	return &dialog{subject: subject, questions: questions, values: values, given: value.List(values...).Text()}
}

// answers are what a user has said so far. With 2026-07-28 they travel in the
// requestState from one call to the next.
type answers struct {
	fields  value.Value // by question, then by field
	offered bool        // the user has seen the question whether to go ahead
	ticket  string      // names the requestState that says so
}

// canAsk reports whether this request can put the question to a user.
func (r *request) canAsk(q *question) bool {
	switch {
	case r.modern():
		return r.params.meta.elicits
	case q != nil && q.isList() && r.version != newestLegacy:
		return false
	}
	return r.asks && r.sink != nil
}

// settle puts to the user what d asks, and reports true when the request can go
// on. When it cannot, its answer is written: the questions; or why says what kept
// the user from answering; or the client is not there any more.
func (r *request) settle(d *dialog) (ok bool, why string, problem *rpcError) {
	if !r.modern() {
		r.params.responses = value.Value{}
	}
	said, problem := r.resume(d)
	if problem != nil {
		return false, "", problem
	}
	for range len(d.questions) + maxRounds {
		forms, why := r.collect(d, &said)
		switch {
		case why != "":
			return false, why, nil
		case len(forms) == 0:
			return true, "", nil
		case r.modern():
			r.requireInput(d, forms, said)
			return false, "", nil
		}
		if why = r.askNow(forms[0]); why != "" || r.silent {
			return false, why, nil
		}
	}
	return false, "The user's answers did not fit.", nil
}

// collect takes the user's responses and returns what is still to be asked; why
// is set when the user does not want to go on.
func (r *request) collect(d *dialog, said *answers) (forms []form, why string) {
	open := slices.DeleteFunc(slices.Clone(d.questions), func(q *question) bool {
		if content := said.fields.Get(q.Name); !content.IsAbsent() {
			q.fill(d.values, content)
			return true
		}
		return !r.canAsk(q) || !q.isMissing(d.values)
	})
	waits := func(input int) bool {
		return slices.ContainsFunc(open, func(q *question) bool { return slices.Contains(q.Inputs, input) && said.fields.Get(q.Name).IsAbsent() })
	}
	for _, q := range open {
		// Questions name what earlier ones ask for, so those come first.
		if slices.ContainsFunc(q.Vars, func(i int) bool { return d.values[i].IsAbsent() && waits(i) }) {
			continue
		}
		response, note := r.params.responses.Get(q.Name), ""
		switch response.Get("action").Text() {
		case "accept":
			content := response.Get("content")
			if note = q.fill(d.values, content); note == "" {
				said.fields.Set(q.Name, q.only(content))
				continue
			}
		case "decline", "cancel":
			return nil, "The user did not answer: " + q.text(d.values)
		}
		forms = append(forms, q.form(note, d.values))
	}
	if len(forms) > 0 || d.confirm == nil {
		return forms, ""
	}
	if said.offered {
		response := r.params.responses.Get(plan.ConfirmQuestion)
		switch action := response.Get("action").Text(); {
		case action == "accept" && agreed(response.Get("content")):
			if !r.modern() || r.h.spent.once(said.ticket) {
				return nil, ""
			}
		case action != "":
			return nil, "The user did not confirm. Nothing was sent."
		}
	}
	said.offered = true
	return []form{goAhead(d.confirm())}, ""
}

// isMissing reports whether the caller left out something that q asks for.
func (q *question) isMissing(values []value.Value) bool {
	return slices.ContainsFunc(q.Inputs, func(i int) bool { return values[i].IsAbsent() })
}

// form is what the user gets to see. What the caller gave is filled in.
func (q *question) form(note string, values []value.Value) form {
	f := form{q.Name, note + q.text(values), slices.Clone(q.fields)}
	for i := range f.fields {
		if v := values[q.Inputs[i]]; !v.IsAbsent() {
			filled := *f.fields[i].schema
			filled.Default = v
			f.fields[i].schema = &filled
		}
	}
	return f
}

// text is the message with the inputs that it names.
func (q *question) text(values []value.Value) string {
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
func (q *question) fill(values []value.Value, content value.Value) (note string) {
	converted := make([]value.Value, len(q.fields))
	var problems []string
	for i, f := range q.fields {
		v := content.Get(f.name)
		if v.Kind() <= value.Null || v.Kind() == value.String && v.Text() == "" {
			if f.required && values[q.Inputs[i]].IsAbsent() {
				problems = append(problems, f.name+" is required")
			}
			continue
		}
		v, problem := f.schema.Convert(v)
		if problem != nil {
			problems = append(problems, f.name+" "+problem.Error())
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
func (q *question) only(content value.Value) value.Value {
	kept := value.Map()
	for _, f := range q.fields {
		if v := content.Get(f.name); !v.IsAbsent() {
			kept.Set(f.name, v)
		}
	}
	return kept
}

// requireInput writes a result that asks (2026-07-28, multi-round-trip requests).
func (r *request) requireInput(d *dialog, forms []form, said answers) {
	r.out = append(append(append(r.out, `{"resultType":"input_required","_meta":{"`+metaServer+`":`...), r.view.info...), `},"inputRequests":{`...)
	for i, f := range forms {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		r.out = append(value.AppendString(r.out, f.name), `:{"method":"elicitation/create","params":{"mode":"form",`...)
		r.out = append(f.appendTo(r.out, r.version), `}}`...)
	}
	state := value.Map(value.Member{Name: "fields", Value: said.fields}, value.Member{Name: "offered", Value: value.Boolean(said.offered)})
	r.out = append(append(append(r.out, `},"requestState":"`...), r.seal("state", d, state.AppendJSON(nil))...), `"}`...)
}

// resume returns what the requestState of the client says. One that is too old
// says nothing: its questions are asked again.
func (r *request) resume(d *dialog) (answers, *rpcError) {
	said := answers{fields: value.Map()}
	if !r.modern() || r.params.state == nil {
		return said, nil
	}
	payload, ticket, state := r.unseal(string(r.params.state), "state", d)
	if state == forged {
		return said, invalidParams("requestState is not of this request")
	}
	if v, err := value.Parse(payload); state == good && err == nil {
		said = answers{v.Get("fields"), v.Get("offered").True(), ticket}
	}
	return said, nil
}

// appendTo appends the members of elicitation/create's parameters.
func (f *form) appendTo(dst []byte, version string) []byte {
	dst = value.AppendString(append(dst, `"message":`...), f.message)
	dst = append(dst, `,"requestedSchema":{"type":"object","properties":{`...)
	required := value.List()
	for i := range f.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = f.fields[i].schemaFor(version).AppendJSON(append(value.AppendString(dst, f.fields[i].name), ':'))
		if f.fields[i].required {
			required.Append(value.Of(f.fields[i].name))
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
func (f *field) schemaFor(version string) value.Value {
	s, v := f.schema, value.Map()
	kind := s.Type
	if kind == "" || len(s.Enum) > 0 {
		kind = "string"
	}
	v.Add("type", value.Of(kind))
	if f.title != "" {
		v.Add("title", value.Of(f.title))
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
	if s.Titles != nil && !s.EnumNames && version >= newestLegacy {
		constants := value.List()
		for i, e := range s.Enum {
			constants.Append(value.Map(value.Member{Name: "const", Value: value.Of(e.Text())}, value.Member{Name: "title", Value: value.Of(s.Titles[i])}))
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

// needsElicitation refuses what works only with a client that can ask its user.
func (r *request) needsElicitation(why string) *rpcError {
	if !r.modern() {
		return invalidParams(why)
	}
	return &rpcError{code: codeMissingAbility, status: http.StatusBadRequest, message: "Missing client capability: " + why, data: []byte(`{"requiredCapabilities":{"elicitation":{"form":{}}}}`)}
}
