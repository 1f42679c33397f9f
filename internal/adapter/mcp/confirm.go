package mcp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

const (
	confirmToken = "confirm_token" // argument of the second step
	confirmKey   = "confirm"       // of inputRequests, and of the form
	confirmTTL   = 5 * time.Minute
)

// ticketState says what a signed confirmation is worth.
type ticketState uint8

const (
	forged ticketState = iota // or made for other arguments, another tool or caller
	expired
	good
)

// ticket signs that the tool may run once more with these values: the time it
// ends, and an HMAC of that, the purpose, the tool, the caller and the values.
func (r *request) ticket(purpose string, t *tool, values []value.Value) string {
	return base64.RawURLEncoding.EncodeToString(r.signed(purpose, t, values, time.Now().Add(confirmTTL).Unix()))
}

func (r *request) signed(purpose string, t *tool, values []value.Value, end int64) []byte {
	ticket := binary.BigEndian.AppendUint64(nil, uint64(end))
	mac := hmac.New(sha256.New, r.h.cfg.StateKey)
	mac.Write(ticket)
	for _, part := range []string{purpose, t.unit.ID, t.name, r.principal(), value.List(values...).Text()} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(ticket)
}

// principal names whom a confirmation is bound to.
func (r *request) principal() string {
	if r.h.cfg.Principal != nil {
		if name := r.h.cfg.Principal(r.ctx); name != "" {
			return name
		}
	}
	return r.caller
}

func (r *request) check(ticket, purpose string, t *tool, values []value.Value) ticketState {
	raw, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || len(raw) != 8+sha256.Size {
		return forged
	}
	end := int64(binary.BigEndian.Uint64(raw))
	if !hmac.Equal(raw, r.signed(purpose, t, values, end)) {
		return forged
	}
	if time.Now().Unix() > end {
		return expired
	}
	return good
}

// confirmed asks before a tool acts. It reports true when the answer is
// written already: a question, or that the user said no.
func (r *request) confirmed(t *tool, values []value.Value, token string) (asked bool, err *rpcError) {
	if !r.modern() || !r.params.meta.elicitation {
		return r.confirmedByToken(t, values, token), nil
	}
	state := forged
	if r.params.state != nil {
		if state = r.check(string(r.params.state), "state", t, values); state == forged {
			return false, invalidParams("requestState is not of this request")
		}
	}
	if state == good && r.params.action != nil {
		if string(r.params.action) == "accept" && (r.params.approval.IsAbsent() || r.params.approval.True()) {
			return false, nil
		}
		r.fail("The user did not confirm. Nothing was sent.")
		return true, nil
	}
	r.out = append(append(append(r.out, `{"resultType":"input_required","_meta":{"`+metaServer+`":`...), r.view.info...), `},"inputRequests":{"`+confirmKey+`":`...)
	r.out = value.AppendString(append(r.out, `{"method":"elicitation/create","params":{"mode":"form","message":`...), t.question(values))
	r.out = append(r.out, `,"requestedSchema":{"type":"object","properties":{"`+confirmKey+`":{"type":"boolean","title":"Go ahead","default":true}}}}}},"requestState":"`...)
	r.out = append(append(r.out, r.ticket("state", t, values)...), `"}`...)
	return true, nil
}

// confirmedByToken is the way for clients that cannot ask their user for us: the
// first call gives a token, the second one brings it.
func (r *request) confirmedByToken(t *tool, values []value.Value, token string) (asked bool) {
	why := ""
	if token != "" {
		switch r.check(token, "token", t, values) {
		case good:
			return false
		case expired:
			why = "The confirmation has expired. "
		default:
			why = "The confirmation is not for this call with these arguments. "
		}
	}
	r.fail(why + t.question(values) + "\nNothing was sent yet. If the user agrees, call " + t.name + " again with the same arguments and `" + confirmToken + "`: \"" + r.ticket("token", t, values) + "\" (good for five minutes).")
	return true
}

// question says what would happen. Secrets are not repeated.
func (t *tool) question(values []value.Value) string {
	arguments := value.Map()
	for _, a := range t.args {
		switch v := values[a.index]; {
		case v.IsAbsent():
		case a.Secret:
			arguments.Set(a.name, value.Of("***"))
		default:
			arguments.Set(a.name, v)
		}
	}
	text := "Run " + t.name
	if t.unit.Title != "" && t.unit.Title != t.name {
		text += " (" + t.unit.Title + ")"
	}
	if arguments.Len() > 0 {
		text += " with " + cutText(arguments.Text(), 1000)
	}
	return text + "?"
}
