package engine

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"sync"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// flow runs the steps of a unit; each starts when those whose results it reads
// have ended. A failing step fails the unit unless the document says to go on.
func (r *invocation) flow(ctx context.Context) (*Result, *Error) {
	ctx, cancel := context.WithDeadline(ctx, r.end)
	defer cancel()
	steps := r.unit.Steps
	if len(steps) == 1 {
		if failure := r.step(ctx, steps[0]); failure != nil {
			return nil, failure
		}
		return r.answer(ctx, steps)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first *Error
		done  = make([]chan struct{}, len(steps))
	)
	for i := range steps {
		done[i] = make(chan struct{})
	}
	for i, s := range steps {
		wg.Go(func() {
			defer close(done[i])
			for _, j := range s.After {
				<-done[j]
			}
			mu.Lock()
			stop := first != nil
			mu.Unlock()
			if stop {
				return
			}
			if failure := r.step(ctx, s); failure != nil && !r.goesOn() {
				mu.Lock()
				if first == nil {
					first = failure
				}
				mu.Unlock()
				cancel()
			}
		})
	}
	wg.Wait()
	if first != nil {
		return nil, first
	}
	return r.answer(ctx, steps)
}

func (r *invocation) goesOn() bool { return r.unit.Model != nil && r.unit.Model.ContinueOnError }

func (r *invocation) step(ctx context.Context, s *plan.Step) *Error {
	ctx = r.inSpan(ctx)
	began := r.clock(event.Steps)
	v, failure := r.result(ctx, s)
	if failure != nil {
		r.conceal(failure)
	}
	r.stepEnded(ctx, s, began, failure)
	if failure != nil {
		r.blame(failure, s)
		failure.Step = s.Name
		if r.goesOn() {
			r.problem(ctx, failure) // which is all that anybody hears of it
		}
		return failure
	}
	if s.Result >= 0 {
		r.frame[s.Result] = v
	}
	return nil
}

// blame tells inputs that the caller left out from values that earlier steps
// did not give: those are nothing that the caller can mend.
func (r *invocation) blame(failure *Error, s *plan.Step) {
	if failure.Kind != BadInput || len(s.After) == 0 {
		return
	}
	for _, f := range failure.Fields {
		asked := func(in *plan.Input) bool { return in.Name == f.Name && r.frame[in.Slot].IsAbsent() }
		if slices.ContainsFunc(r.unit.Inputs, asked) {
			return
		}
	}
	failure.Kind = BadAnswer
	failure.Title = "a step lacks what an earlier step should have given"
	for i := range failure.Fields {
		failure.Fields[i].Problem = "has no value"
	}
}

func (r *invocation) result(ctx context.Context, s *plan.Step) (value.Value, *Error) {
	switch s.Kind {
	case plan.CallStep:
		return r.callStep(ctx, s)
	case plan.LookupStep:
		return r.lookup(ctx, s.Lookup)
	case plan.MockStep:
		v, err := s.Mock.Build(r.frame)
		if err != nil {
			return v, fail(ctx, r.unit.Name, err)
		}
		return v, nil
	default:
		return r.script(ctx, s.Script)
	}
}

func (r *invocation) callStep(ctx context.Context, s *plan.Step) (value.Value, *Error) {
	c := s.Call
	resp, failure := r.send(ctx, c, nil, false)
	if failure != nil {
		return value.Value{}, failure
	}
	if s == r.unit.Steps[len(r.unit.Steps)-1] {
		r.status = resp.StatusCode
		if isRedirect(r.status) {
			r.header, r.from = pass(resp.Header), resp.Request.URL
		}
	}
	if e := (&Result{Method: c.Request.Method, Status: resp.StatusCode, Header: resp.Header}).Redirect(); e != nil {
		resp.Body.Close()
		return value.Value{}, e
	}
	if noBody(c, resp) || pointsOn(c, resp) {
		resp.Body.Close()
		return value.Value{}, nil
	}
	r.kept.noteHeader(c, resp.Header)
	m := r.meter(ctx)
	body, failure := r.readAll(ctx, m, c, resp, r.cap(c))
	if failure != nil {
		return value.Value{}, failure
	}
	if isRedirection(resp.StatusCode) {
		body = r.masked(body)
	}
	if c.Format == format.Binary {
		if !m.Hold(int64(2 * len(body))) {
			return value.Value{}, r.spent(m)
		}
		if r.hides(c) {
			r.kept.show(s.Result, value.Of(secret.Kept))
		}
		return dataURL(cmp.Or(c.MediaType, resp.Header.Get("Content-Type")), body), nil
	}
	if c.AnswersSecret() {
		return r.secretStep(ctx, m, s, body, resp.Header.Get("Content-Type"))
	}
	result, failure := r.shape(ctx, &Result{meter: m}, c, s.Output, body, resp.Header.Get("Content-Type"))
	if failure != nil {
		return value.Value{}, failure
	}
	if result.Raw == nil {
		return result.Value, nil
	}
	text, failure := result.Bytes(r.client.Limits().Response)
	if failure != nil {
		return value.Value{}, failure
	}
	v, err := value.Parse(text)
	if err != nil {
		return v, &Error{Kind: Internal, Title: "the shaped answer is not JSON", cause: err}
	}
	return v, nil
}

// dataURL is a binary answer as a value (RFC 2397), of which binary and multipart
// bodies of later steps make bytes again.
func dataURL(contentType string, body []byte) value.Value {
	return value.Of("data:" + cmp.Or(contentType, "application/octet-stream") + ";base64," +
		base64.StdEncoding.EncodeToString(body))
}

// lookup finds entries whose field has the value looked for, compared as text:
// one, or a list when it looks for a list.
func (r *invocation) lookup(ctx context.Context, l *plan.Lookup) (value.Value, *Error) {
	index, err := l.Index.Eval(r.frame)
	if err != nil {
		return value.Value{}, fail(ctx, r.unit.Name, err)
	}
	want, err := l.Value.Eval(r.frame)
	if err != nil {
		return value.Value{}, fail(ctx, r.unit.Name, err)
	}
	if want.Kind() != value.Array {
		return pick(find(index, l.Match, want), l.Fields), nil
	}
	found, m := value.List(), r.meter(ctx)
	for i := range want.Len() {
		if m.Steps(1 + 4*index.Len()); m.Err() != nil {
			return value.Value{}, r.spent(m)
		}
		if entry := find(index, l.Match, want.At(i)); !entry.IsAbsent() {
			found.Append(pick(entry, l.Fields))
		}
	}
	return found, nil
}

func find(index value.Value, match string, want value.Value) value.Value {
	if want.Kind() <= value.Null {
		return value.Value{}
	}
	if index.Kind() == value.Object {
		if v := index.Get(match); !v.IsAbsent() && v.Text() == want.Text() {
			return index
		}
	}
	for i := range index.Len() {
		if v := expr.Field(index.At(i), match); !v.IsAbsent() && v.Text() == want.Text() {
			return index.At(i)
		}
	}
	return value.Value{}
}

// pick keeps the listed fields of an entry, missing ones as null.
func pick(entry value.Value, fields []string) value.Value {
	if entry.IsAbsent() || len(fields) == 0 {
		return entry
	}
	members := make([]value.Member, len(fields))
	for i, name := range fields {
		members[i] = value.Member{Name: name, Value: entry.Get(name)}
		if members[i].Value.IsAbsent() {
			members[i].Value = value.Nil()
		}
	}
	return value.Distinct(members)
}

// answer builds a flow's answer: by its mappings, else the last step's result
// with the status that it got.
func (r *invocation) answer(ctx context.Context, steps []*plan.Step) (*Result, *Error) {
	result, m := &Result{Status: http.StatusOK}, r.meter(ctx)
	if r.unit.ForModels() {
		r.kept.reveal(r.frame)
	}
	out := value.Map()
	for _, mapping := range r.unit.Mappings {
		if found := r.mapped(m, mapping); !found.IsAbsent() {
			assign(out, mapping.Target, found)
		}
	}
	if result.Value = r.frame[steps[len(steps)-1].Result]; out.Len() > 0 {
		result.Value = out
	} else if r.status != 0 {
		result.Status, result.Header, result.From = r.status, r.header, r.from
	}
	if shaped, ok := r.unit.Output.Apply(m, result.Value); ok {
		result.Value = shaped
	} else if !result.Value.IsAbsent() {
		result.Value = r.nothing(ctx, result, r.unit.Output)
	}
	if r.unit.ForModels() {
		result.Value = r.keep(m, r.unit.Secret, result.Value)
	}
	if failure := cmp.Or(r.spent(m), r.fits(m, result.Value)); failure != nil {
		return nil, failure
	}
	if result.Value.IsAbsent() && result.Status == http.StatusOK {
		result.Status = http.StatusNoContent
	}
	return result, nil
}

// mapped is what a mapping finds; a text with a variable that has no value finds nothing.
func (r *invocation) mapped(m *budget.Meter, mapping plan.Mapping) value.Value {
	if mapping.Path == nil {
		v, err := mapping.From.Eval(r.frame)
		if err != nil {
			return value.Value{}
		}
		return v
	}
	if v := r.frame[mapping.Slot]; !v.IsAbsent() {
		return mapping.Path.Eval(m, v)
	}
	return value.Value{}
}

// assign puts v below the nested members that path names.
func assign(object value.Value, path []string, v value.Value) {
	for _, name := range path[:len(path)-1] {
		next := value.Copy(object.Get(name)) // what a mapping found belongs to others
		object.Set(name, next)
		object = next
	}
	object.Set(path[len(path)-1], v)
}
