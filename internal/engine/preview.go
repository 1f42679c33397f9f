package engine

import (
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// Preview is the request that a call of a unit would send.
type Preview struct {
	Step    string // "" for a plain call
	Target  string // namespace.operation
	Request *http.Request
	Problem string // why there is none
	Waits   bool   // it reads results of earlier steps, which are not there
}

// Previews builds the requests of a unit without sending or reading anything:
// secrets are masked, results of earlier steps are not there.
func Previews(u *plan.Unit, args Args) []Preview {
	f := make(expr.Frame, u.Slots)
	masked := args
	masked.Subject = secret.New(secret.Mask)
	// which never fails
	_ = fill(f, u, &masked, func(*plan.SecretSlot) (secret.String, *Error) { return masked.Subject, nil })
	for _, w := range u.Written {
		f[w.Slot] = value.Of(secret.Mask)
	}
	var previews []Preview
	for _, s := range u.Steps {
		if s.Kind != plan.CallStep {
			continue
		}
		p := Preview{Step: s.Name, Target: s.Call.Request.Target, Waits: len(s.After) > 0}
		own := upstream.Own{}
		switch {
		case u.CallerAuthorization && args.Authorization != "":
			own.Authorization = secret.Mask
		case s.Call.Session != nil:
			own.Session, own.Carrier = fixed(secret.Mask), &s.Call.Session.Send
		}
		req, credential, err := s.Call.Request.Build(f, args.Entity, own)
		credential.Show(req)
		if err != nil {
			p.Problem = strings.TrimPrefix(err.Error(), "build request: ")
			if len(s.After) > 0 {
				p.Problem = "made of the results of earlier steps"
			}
		}
		p.Request = req
		previews = append(previews, p)
	}
	return previews
}

// Sample is a value that fits a schema, for showing what a request looks like.
func Sample(name string, s *schema.Schema) value.Value {
	switch {
	case !s.Default.IsAbsent():
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case "integer", "number":
		return value.Int(1)
	case "boolean":
		return value.Boolean(true)
	case "array":
		item := value.Of(name)
		if s.Items != nil {
			item = Sample(name, s.Items)
		}
		return value.List(item)
	case "object":
		object := value.Map()
		for _, p := range s.Properties {
			if p.Required {
				object.Set(p.Name, Sample(p.Name, p.Schema))
			}
		}
		return object
	default:
		return value.Of(name)
	}
}
