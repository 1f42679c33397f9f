package engine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// Secrets gives the values of bound variables.
type Secrets interface {
	Get(ctx context.Context, ref secret.Ref) (secret.String, error)
}

// Engine runs units. It is safe for concurrent use and holds nothing of a
// document, so one serves every plan of a process.
type Engine struct {
	client  *upstream.Client
	secrets Secrets
	scripts Scripts
	events  *event.Stream
	vault   *session.Vault
	forced  forced
	servers servers
	frames  sync.Pool
	maskers sync.Pool
}

// New makes an engine that calls through client and reads secrets. scripts may
// be nil: then script steps fail. events hears what happens; nil is nobody.
func New(client *upstream.Client, secrets Secrets, scripts Scripts, events *event.Stream) *Engine {
	return &Engine{client: client, secrets: secrets, scripts: scripts, events: events,
		vault: session.NewMemoryVault(nil)}
}

// KeepSessions makes the engine keep sessions in v from now on, instead of in memory.
// Call it before the first Invoke.
func (e *Engine) KeepSessions(v *session.Vault) { e.vault = v }

// Limits returns the limits that calls run under.
func (e *Engine) Limits() upstream.Limits { return e.client.Limits() }

// Invoke runs a unit. Exactly one of the result and the error is not nil; the
// caller closes the result. Canceling ctx ends the upstream call.
func (e *Engine) Invoke(ctx context.Context, u *plan.Unit, args Args) (*Result, *Error) {
	r := e.begin(ctx, u, &args)
	defer e.release(r)
	failure := r.fill(ctx)
	var result *Result
	switch {
	case failure != nil:
	case u.Role != plan.NoRole && r.authorization == "":
		result, failure = r.part(ctx)
	case len(u.Steps) == 1 && u.Steps[0].Kind == plan.CallStep && u.Steps[0].Result < 0:
		began := r.clock(event.Steps)
		result, failure = r.single(ctx, u.Steps[0].Call)
		if failure != nil {
			r.conceal(failure)
		}
		r.stepEnded(ctx, u.Steps[0], began, failure)
	default:
		result, failure = r.flow(ctx)
	}
	return r.finish(ctx, result, failure)
}

// begin makes the run of a unit. Release it.
func (e *Engine) begin(ctx context.Context, u *plan.Unit, args *Args) *invocation {
	r := &invocation{Engine: e, unit: u, args: args, slots: e.frame(u.Slots), events: e.events.For(ctx),
		end: time.Now().Add(u.Time(e.client.Limits().Call))}
	r.frame = *r.slots
	if u.CallerAuthorization {
		r.authorization = args.Authorization
	}
	r.begun(ctx)
	return r
}

func (e *Engine) release(r *invocation) {
	clear(*r.slots)
	e.frames.Put(r.slots)
}

// finish is where every run ends: nothing leaves unmasked, and listeners hear of it.
func (r *invocation) finish(ctx context.Context, result *Result, failure *Error) (*Result, *Error) {
	result, failure = r.leave(result, failure)
	r.ended(ctx, result, failure)
	return result, failure
}

// fill puts into the frame what a unit reads before its first step.
func (r *invocation) fill(ctx context.Context) *Error {
	return fill(r.frame, r.unit, r.args, func(s *plan.SecretSlot) (secret.String, *Error) {
		if s.ForAuth && r.authorization != "" {
			return secret.String{}, nil // nothing reads it
		}
		v, err := secret.First(ctx, s.Refs, r.secrets.Get)
		if err != nil {
			failure := noSecret(s.Refs, err)
			failure.OwnCredential = s.ForAuth && r.unit.CallerAuthorization
			if _, missing := errors.AsType[*secret.MissingError](err); missing && s.ForAuth && r.unit.Signs {
				r.lacking = failure // a session may serve instead
				return v, nil
			}
			return v, failure
		}
		return v, nil
	})
}

// fill puts into the slots of f what a unit reads before its first step: its
// secrets, which get gives, what the document writes itself, the caller's token
// and inputs.
func fill(f expr.Frame, u *plan.Unit, args *Args, get func(*plan.SecretSlot) (secret.String, *Error)) *Error {
	for i := range u.Secrets {
		v, failure := get(&u.Secrets[i])
		if failure != nil {
			return failure
		}
		if !v.IsEmpty() {
			f[u.Secrets[i].Slot] = value.Of(v.Reveal())
		}
	}
	for _, w := range u.Written {
		f[w.Slot] = value.Of(w.Text.Reveal())
	}
	for _, slot := range u.Subject {
		f[slot] = value.Of(args.Subject.Reveal())
	}
	setInputs(f, u, args.Values)
	return nil
}

// setInputs puts the inputs into their slots. Fixed ones may read secrets, which are
// there already; one that cannot be made is not there.
func setInputs(f expr.Frame, u *plan.Unit, values []value.Value) {
	for i, in := range u.Inputs {
		if in.Place == plan.InPlan {
			f[in.Slot], _ = in.Fixed.Eval(f)
		} else if i < len(values) {
			f[in.Slot] = values[i]
		}
		if f[in.Slot].IsAbsent() && !in.Schema.Default.IsAbsent() {
			f[in.Slot] = in.Schema.Default
		}
	}
}

func (e *Engine) frame(slots int) *expr.Frame {
	f, ok := e.frames.Get().(*expr.Frame)
	if !ok || cap(*f) < slots {
		made := make(expr.Frame, slots, max(slots, 16))
		return &made
	}
	*f = (*f)[:slots]
	return f
}

// noSecret is what a caller is told who needs a secret that cannot be had. What
// the operator needs to know is its cause.
func noSecret(refs []secret.Ref, err error) *Error {
	missing, ok := errors.AsType[*secret.MissingError](err)
	if ok && missing.NotGranted != "" {
		return &Error{Kind: Unavailable, Title: "the credential " + refs[0].Name + " is not granted to this document",
			Detail: "Ask the operator to grant it " + keys(refs) + ", with --grant.", cause: err}
	}
	if ok {
		return &Error{Kind: Unavailable, Title: "the credential " + refs[0].Name + " is not set",
			Detail: "Ask the operator to set " + keys(refs) + ".", cause: err}
	}
	return &Error{Kind: Unavailable, Title: "the credential " + refs[0].Name + " cannot be read",
		Detail: "Ask the operator to look at the log.", Retry: true, cause: err}
}

func keys(refs []secret.Ref) string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.Key
	}
	return strings.Join(names, " or ")
}

// fail turns an error of building or sending a request into what a caller is told.
func fail(ctx context.Context, target string, err error) *Error {
	var input *upstream.InputError
	var unavailable *upstream.UnavailableError
	var missing *template.MissingError
	var credential *upstream.CredentialError
	var held *upstream.HeldError
	var egress *upstream.EgressError
	switch {
	case errors.As(err, &input) && len(input.Missing) > 0:
		return missingInputs(input.Missing)
	case errors.As(err, &missing):
		return missingInputs(missing.Names)
	case errors.As(err, &input):
		return &Error{Kind: BadInput, Title: "an input cannot be sent", Fields: []Field{{input.Name, input.Reason}}}
	case errors.As(err, &unavailable):
		return &Error{Kind: Unavailable, Title: unavailable.Reason,
			Detail: "Ask the operator to correct it or to start with --upstream.", cause: err}
	case errors.As(err, &credential) && credential.Retry:
		return &Error{Kind: Unreachable, Title: "no credential for " + target + " can be had: " + credential.Reason,
			Detail: "Try again later.", Retry: true, cause: err}
	case errors.As(err, &credential):
		return &Error{Kind: Unavailable, Title: "no credential for " + target + " can be had: " + credential.Reason,
			Detail: "Ask the operator to correct it.", cause: err}
	case budget.Of(err):
		return Spent(err)
	case errors.As(err, &egress):
		return &Error{Kind: Unavailable, Title: target + " may not be reached from here",
			Detail: "The operator's rules for egress refuse its host.", cause: err}
	case errors.As(err, &held):
		return heldBack(target, held)
	case isLoop(err):
		return &Error{Kind: Looped, Title: "the calls run in a circle: " + target +
			" is served by Fairlead itself, which calls it again",
			Detail: "Ask the operator to correct its base URI.", cause: err}
	case context.Cause(ctx) == context.Canceled && ctx.Err() != nil:
		return &Error{Kind: Canceled, Title: "the caller went away", cause: err}
	case isTimeout(err):
		return &Error{Kind: TimedOut, Title: target + " did not answer in time", Retry: true, cause: err}
	default:
		return &Error{Kind: Unreachable, Title: target + " cannot be reached", Detail: reason(err), Retry: true,
			cause: err}
	}
}

// heldBack is what a caller is told whose call was not sent.
func heldBack(target string, held *upstream.HeldError) *Error {
	e := &Error{Kind: Held, Title: target + " takes no more calls at the moment", Retry: true, cause: held,
		Detail: "It was not asked."}
	if held.For == upstream.ForBreaker {
		e.Title = target + " fails, and is left alone for a while"
	}
	if held.After > 0 {
		e.Header = http.Header{"Retry-After": {itoa(int((held.After + time.Second - 1) / time.Second))}}
	}
	return e
}

func isLoop(err error) bool {
	_, ok := errors.AsType[*upstream.LoopError](err)
	return ok
}

func missingInputs(names []string) *Error {
	e := &Error{Kind: BadInput, Title: "inputs are missing"}
	for _, n := range names {
		e.Fields = append(e.Fields, Field{n, "is required"})
	}
	return e
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// reason is what may be said of a failed connection: its kind, not its address.
func reason(err error) string {
	var dns *net.DNSError
	switch text := err.Error(); {
	case errors.As(err, &dns):
		return "Its host name does not resolve."
	case strings.Contains(text, "connection refused"):
		return "It refuses connections."
	case strings.Contains(text, "certificate") || strings.Contains(text, "tls:"):
		return "Its TLS certificate or handshake is not acceptable."
	case strings.Contains(text, "EOF") || strings.Contains(text, "reset"):
		return "It closed the connection without an answer."
	default:
		return "The connection failed."
	}
}
