package engine

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// SignIn signs a person in with what they typed, by the names of the session's fields.
// given is what the call gave that asked for it, see session.Asked.
func (e *Engine) SignIn(ctx context.Context, s *plan.Session, typed map[string]string,
	given string) (*session.Session, *Error) {
	beside, _ := value.Parse([]byte(given))
	values := make([]value.Value, len(s.Login.Inputs))
	for i, in := range s.Login.Inputs {
		if i < len(s.Fields) {
			if text := typed[in.Name]; text != "" {
				values[i] = value.Of(text)
			}
		} else if v := beside.Get(in.Name); v.Kind() == value.String {
			values[i] = v
		}
	}
	var missing []string
	for i, f := range s.Fields {
		if f.Required && values[i].IsAbsent() {
			missing = append(missing, f.Name)
		}
	}
	if missing != nil {
		return nil, missingInputs(missing)
	}
	return e.made(ctx, s, s.Login, &Args{Values: values}, upstream.Own{}, nil)
}

// SignOut tells the API that a session ends; nil where it needs not be told.
func (e *Engine) SignOut(ctx context.Context, s *plan.Session, now *session.Session) *Error {
	if s.OAuth != nil {
		return e.revoke(ctx, s, now)
	}
	if s.Logout == nil {
		return nil
	}
	_, failure := e.ask(ctx, s.Logout, ownArgs(s.Logout, now), carrying(s, s.Logout, now))
	if failure != nil && failure.Kind == Answered && failure.Status == http.StatusUnauthorized {
		return nil // it has ended already
	}
	return failure
}

// maxSessionAnswer bounds the answer of an operation that makes a session, in bytes.
const maxSessionAnswer = 4 << 20

// reply is an answer of an operation of a session.
type reply struct {
	header http.Header
	body   []byte
}

// ask runs one of a session's own units.
func (e *Engine) ask(ctx context.Context, u *plan.Unit, args *Args, own upstream.Own) (reply, *Error) {
	r := e.begin(ctx, u, args)
	defer e.release(r)
	failure := r.fill(ctx)
	var got reply
	if failure == nil {
		got, failure = r.reply(ctx, u.Steps[0].Call, own)
	}
	if failure != nil {
		r.conceal(failure)
	}
	r.ended(ctx, &Result{Status: http.StatusOK}, failure)
	return got, failure
}

// reply sends a call and reads its whole answer.
func (r *invocation) reply(ctx context.Context, c *plan.Call, own upstream.Own) (reply, *Error) {
	if own == (upstream.Own{}) {
		var failure *Error
		if own, failure = r.sending(ctx, c); failure != nil {
			return reply{}, failure
		}
	}
	resp, failure := r.sendWith(ctx, c, nil, own, false)
	if failure != nil {
		return reply{}, failure
	}
	return r.whole(ctx, resp)
}

// whole reads the answer of an operation of a session. resp can be read again.
func (r *invocation) whole(ctx context.Context, resp *http.Response) (reply, *Error) {
	raw := &Result{Raw: resp.Body, Length: resp.ContentLength, meter: r.meter(ctx)}
	body, failure := raw.Bytes(maxSessionAnswer)
	if failure != nil {
		return reply{}, failure
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return reply{resp.Header, body}, nil
}

// made runs a unit and makes a session of its answer. old is the one that it follows.
func (e *Engine) made(ctx context.Context, s *plan.Session, u *plan.Unit, args *Args, own upstream.Own,
	old *session.Session) (*session.Session, *Error) {
	got, failure := e.ask(ctx, u, args, own)
	if failure != nil {
		return nil, failure
	}
	return sessionOf(ctx, s, u.Steps[0].Call.Request.Target, got, old)
}

// sessionOf is the session that an answer holds. old, if any, gives what the answer
// leaves out: what renews it, and what may be told.
func sessionOf(ctx context.Context, s *plan.Session, target string, got reply,
	old *session.Session) (*session.Session, *Error) {
	m := budget.NewMeter(ctx, nil)
	body, err := value.ParseWithin(m, got.body)
	if err != nil && budget.Of(err) {
		return nil, Spent(err)
	}
	a := &s.Answer
	token := got.first(m, body, a.Token)
	if token == "" || template.CheckHeader(token) != nil {
		return nil, Unreadable(target+" answered no token", "The document says otherwise where it stands.")
	}
	now := time.Now()
	made := &session.Session{Token: secret.New(token), Refresh: secret.New(got.first(m, body, a.Renews)), Made: now,
		Expires: got.expires(m, body, a.Expires, now), Margin: s.Margin}
	for _, part := range a.Show {
		v, _ := part.Path.First(m, body)
		secret := v.Text() == token || v.Text() == made.Refresh.Reveal()
		if v.Kind() > value.Null && v.Kind() < value.Array && !secret {
			made.Shown = append(made.Shown, session.Shown{Name: part.Name, Text: v.Text()})
		}
	}
	if old != nil {
		if made.Refresh.IsEmpty() && len(a.Renews) > 0 {
			made.Refresh = old.Refresh
		}
		for _, shown := range old.Shown {
			if !slices.ContainsFunc(made.Shown, func(o session.Shown) bool { return o.Name == shown.Name }) {
				made.Shown = append(made.Shown, shown)
			}
		}
	}
	if err := m.Err(); err != nil {
		return nil, Spent(err)
	}
	return made, nil
}

// first is the text at the first of the places that has one.
func (g *reply) first(m *budget.Meter, body value.Value, parts []plan.AnswerPart) string {
	for _, part := range parts {
		text := ""
		switch {
		case part.Header != "":
			text = g.header.Get(part.Header)
		case part.Cookie != "":
			for _, c := range (&http.Response{Header: g.header}).Cookies() {
				if c.Name == part.Cookie {
					text = c.Value
				}
			}
		default:
			if v, _ := part.Path.First(m, body); v.Kind() == value.String || v.Kind() == value.Number {
				text = v.Text()
			}
		}
		if text != "" {
			return text
		}
	}
	return ""
}

// expires is the end that the first of the places gives; zero when none does.
func (g *reply) expires(m *budget.Meter, body value.Value, from []plan.Expiry, now time.Time) time.Time {
	for _, e := range from {
		switch {
		case e.Life > 0:
			return now.Add(e.Life)
		case e.In != nil:
			v, _ := e.In.First(m, body)
			if s, err := strconv.ParseFloat(v.Text(), 64); err == nil && s > 0 && s < 1e9 {
				return now.Add(time.Duration(s * float64(time.Second)))
			}
		default:
			if v, _ := e.At.First(m, body); v.Kind() > value.Null {
				if at, ok := parseTime(v.Text()); ok {
					return at
				}
			}
		}
	}
	return time.Time{}
}

// parseTime reads a time: RFC 3339, of HTTP, or seconds or milliseconds since 1970.
func parseTime(text string) (time.Time, bool) {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		const milliseconds = 1e11 // as seconds, it is the year 5138
		switch {
		case n >= milliseconds && n < 1e15:
			return time.UnixMilli(int64(n)), true
		case n > 0 && n < milliseconds:
			return time.Unix(int64(n), 0), true
		}
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", http.TimeFormat} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
