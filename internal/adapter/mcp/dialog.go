package mcp

import (
	"net/http"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/mcp/ask"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/value"
)

// maxRounds is how often one legacy request may ask its user more than there are
// questions.
const maxRounds = 10

// canAsk reports whether this request can put the question to a user.
func (r *request) canAsk(q *ask.Question) bool {
	switch {
	case r.modern():
		return r.Meta.Elicits
	case q != nil && q.IsList() && r.version != wire.NewestLegacy:
		return false
	}
	return r.asks && r.sink != nil
}

// settle puts to the user what d asks, and reports true when the request can go
// on. When it cannot, its answer is written: the questions; or why says what kept
// the user from answering; or the client is not there any more.
func (r *request) settle(d *ask.Dialog, user *answers) (ok bool, why string, problem *wire.Error) {
	answers := ask.Answers{Fields: value.Map()}
	if !r.modern() {
		user.responses = value.Value{}
	} else if user.state != nil {
		if answers, ok = r.signer().Resume(string(user.state), d); !ok {
			return false, "", wire.InvalidParams("requestState is not of this request")
		}
	}
	for range len(d.Questions) + maxRounds {
		forms, why := d.Collect(&answers, ask.Round{Responses: user.responses, CanAsk: r.canAsk, Once: r.once})
		switch {
		case why != "":
			return false, why, nil
		case len(forms) == 0:
			return true, "", nil
		case r.modern():
			r.requireInput(d, forms, answers)
			return false, "", nil
		}
		if user.responses, why = r.askNow(forms[0]); why != "" || r.silent {
			return false, why, nil
		}
	}
	return false, "The user's answers did not fit.", nil
}

// consult asks the user what the tool wants to know before it runs. It reports
// true when the answer of the request is written.
func (r *request) consult(
	t *catalogue.Tool, values []value.Value, token string, user *answers,
) (done bool, err *wire.Error) {
	d := ask.NewDialog(t.Unit.ID+" "+t.Name, t.Questions, values)
	switch {
	case !t.Confirm:
	case r.canAsk(nil):
		d.Confirm = func() string { return t.Confirmation(values) }
	case !r.confirmedByToken(t, d, token):
		return true, nil
	}
	ok, why, err := r.settle(d, user)
	if why != "" {
		r.Fail(why)
	}
	return !ok, err
}

// requireInput writes a result that asks (2026-07-28, multi-round-trip requests).
func (r *request) requireInput(d *ask.Dialog, forms []ask.Form, said ask.Answers) {
	r.Out = append(append(append(r.Out, `{"resultType":"input_required","_meta":{"`+wire.MetaServer+`":`...),
		r.view.Info...), `},"inputRequests":{`...)
	for i, f := range forms {
		if i > 0 {
			r.Out = append(r.Out, ',')
		}
		r.Out = append(value.AppendString(r.Out, f.Name), `:{"method":"elicitation/create","params":{"mode":"form",`...)
		r.Out = append(f.AppendTo(r.Out, r.version), `}}`...)
	}
	r.Out = append(append(append(r.Out, `},"requestState":"`...), r.signer().SealAnswers(d, said)...), `"}`...)
}

// needsElicitation refuses what works only with a client that can ask its user.
func (r *request) needsElicitation(why string) *wire.Error {
	if !r.modern() {
		return wire.InvalidParams(why)
	}
	return &wire.Error{Code: wire.CodeMissingAbility, Status: http.StatusBadRequest,
		Message: "Missing client capability: " + why,
		Data:    []byte(`{"requiredCapabilities":{"elicitation":{"form":{}}}}`)}
}

// confirmedByToken is the way for clients that cannot ask their user for us: the
// first call gives a token, the second one brings it. It reports false when it
// has written the answer of the first.
func (r *request) confirmedByToken(t *catalogue.Tool, d *ask.Dialog, token string) bool {
	why := ""
	if token != "" {
		switch _, name, state := r.signer().Unseal(token, "token", d); {
		case state == ask.Good && r.h.spent.Once(name):
			return true
		case state == ask.Good:
			why = "The confirmation was used already. "
		case state == ask.Expired:
			why = "The confirmation has expired. "
		default:
			why = "The confirmation is not for this call with these arguments. "
		}
	}
	r.Fail(why + t.Confirmation(d.Values) +
		"\nNothing was sent yet. If the user agrees, make the same call again and add the argument `" +
		ask.ConfirmToken + "`: \"" + r.signer().Seal("token", d, nil) + "\" (good for five minutes).")
	return false
}

// askNow shows the user a form and waits for the response to its question. Why is
// set when there is none.
func (r *request) askNow(f ask.Form) (response value.Value, why string) {
	id, answer := r.h.waiting.Open(r.principal())
	defer r.h.waiting.Close(id)
	message := append([]byte(`{"jsonrpc":"2.0","id":"`+id+`"`), `,"method":"elicitation/create","params":{`...)
	if !r.sink.Send(append(f.AppendTo(message, r.version), "}}"...)) {
		r.silent = true
		return response, ""
	}
	late := time.NewTimer(ask.TTL)
	defer late.Stop()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for why == "" {
		select {
		case said := <-answer:
			return answeredBy(f, said)
		case <-tick.C:
			r.sink.Alive()
		case <-late.C:
			why = "The user did not answer in time. Nothing was sent."
		case <-r.h.hub.done:
			why = "The server ended before the user answered. Nothing was sent."
		case <-r.stdio.end():
			why = "The input ended before the user answered. Nothing was sent."
		case <-r.ctx.Done():
			why, r.silent = "The call was cancelled.", true
		case <-r.gone: // and nobody can be told
			r.silent = true
			return response, ""
		}
	}
	select {
	case said := <-answer: // it came at the same time
		return answeredBy(f, said)
	default:
	}
	r.sink.Send([]byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"` + id + `"}}`))
	return response, why
}

// answeredBy takes what the client says of its user's answer.
func answeredBy(f ask.Form, said value.Value) (response value.Value, why string) {
	if said.Get("action").Text() == "" {
		return response, "The client could not ask the user. Nothing was sent."
	}
	return value.Map(value.Member{Name: f.Name, Value: said}), ""
}

// once reports whether a ticket is used for the first time. What older revisions
// ask is answered within the request and travels nowhere.
func (r *request) once(ticket string) bool { return !r.modern() || r.h.spent.Once(ticket) }

func (r *request) signer() ask.Signer {
	return ask.Signer{Key: r.h.cfg.StateKey, Reach: r.view.Reach, Principal: r.principal()}
}

// principal names whom a ticket is bound to.
func (r *request) principal() string {
	if r.h.cfg.Principal != nil {
		if name := r.h.cfg.Principal(r.ctx); name != "" {
			return name
		}
	}
	return r.caller
}
