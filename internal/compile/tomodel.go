package compile

import (
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/suggest"
)

// forModels warns of a tool for which a model gives a password, or whose answer shows it
// a token, where the API has no session in which people would sign in themselves.
func (k *compiler) forModels(u *plan.Unit) {
	if u.Kind != "tool" {
		return
	}
	var signsIn, answers bool
	for _, s := range u.Steps {
		if s.Kind != plan.CallStep {
			continue
		}
		api := k.owner(s.Call.Operation)
		if api == nil || api.Session != nil {
			return
		}
		role := k.roles[s.Call.Operation]
		signsIn = signsIn || k.logins[api]
		answers = answers || !s.Call.AnswersSecret() &&
			(role == suggest.Login || role == suggest.Refresh || role == suggest.Replace || role == suggest.OAuth)
	}
	hint := "Leave it out for models, with --deny-tools " + u.Name + "."
	if signsIn {
		hint = "Let people sign in themselves: “fairlead suggest " + k.model.File + "” writes the overlay."
	}
	at := u.Model.Node.Where("name")
	if name := secretInput(u.Inputs); name != "" {
		k.report(diag.SecretToModel, at, hint, "a model gives “%s” the secret “%s”", u.Name, name)
		return
	}
	if answers && len(u.Secret) == 0 {
		if !signsIn {
			hint = "Say where it stands, and models do not get it: x-fairlead: {secrets: [$.access_token]} on the operation."
		}
		k.report(diag.SecretToModel, at, hint, "a model sees the token that “%s” answers", u.Name)
	}
}

// secretInput is the name of an input, or of a member of one, that is a password or stands
// for one; "" when there is none.
func secretInput(inputs []*plan.Input) string {
	for _, in := range inputs {
		switch {
		case in.Place == plan.InPlan:
		case in.Secret || suggest.IsSecret(in.Name):
			return in.Name
		case len(in.SecretMembers) > 0:
			return in.Name + "." + in.SecretMembers[0]
		default:
			if name := secretMember(in.Schema); name != "" {
				return in.Name + "." + name
			}
		}
	}
	return ""
}

func secretMember(s *schema.Schema) string {
	for _, p := range s.Properties {
		if suggest.IsSecret(p.Name) {
			return p.Name
		}
		if name := secretMember(p.Schema); name != "" {
			return p.Name + "." + name
		}
	}
	return ""
}

// owner is the API that an operation belongs to.
func (k *compiler) owner(op *model.Operation) *model.Consume {
	if k.owners == nil {
		k.owners, k.logins = map[*model.Operation]*model.Consume{}, map[*model.Consume]bool{}
		k.roles = map[*model.Operation]suggest.Role{}
		for _, api := range k.model.Consumes {
			for _, r := range api.Resources {
				for _, op := range r.Operations {
					k.owners[op], k.roles[op] = api, suggest.RoleOf(api, op)
					k.logins[api] = k.logins[api] || k.roles[op] == suggest.Login
				}
			}
		}
	}
	return k.owners[op]
}
