package host

import (
	"context"
	"crypto/x509"
	"errors"
	"os"

	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// NewSecrets makes the store that all documents of the process share. Files are
// read through the folder of the document that binds them, which confines it.
func NewSecrets(getenv func(string) (string, bool)) *secret.Store {
	files := secret.NewFile(nil, secret.FileOptions{DecodeYAML: scalars})
	return secret.NewStore(secret.Config{Getenv: getenv, Providers: secret.Defaults(secret.System{
		Getenv:   getenv,
		ReadFile: os.ReadFile,
		Connect:  func(roots *x509.CertPool) secret.HTTPDoer { return upstream.NewPlainClient(roots) },
	}, files)})
}

// UnreadFiles says of each file that the documents take secrets from, and that is
// not there or cannot be read, what is wrong. Units that need it fail until that is
// corrected. Nothing but files is read.
func UnreadFiles(ctx context.Context, secrets *secret.Store, documents []*Document) (problems []error) {
	seen := map[string]bool{}
	look := func(slots []plan.SecretSlot) {
		for _, s := range slots {
			for _, ref := range s.Refs {
				if seen[ref.Location] || !ref.IsFile() {
					continue
				}
				seen[ref.Location] = true
				_, err := secrets.Get(ctx, ref)
				if missing, ok := errors.AsType[*secret.MissingError](err); err != nil && (!ok || missing.NoFile) {
					problems = append(problems, err)
				}
			}
		}
	}
	for _, d := range documents {
		if d.Plan == nil {
			continue
		}
		for _, s := range d.Plan.Servers {
			if s.Auth != nil {
				look(s.Auth.Secrets)
			}
			for _, u := range s.Units() {
				look(u.Secrets)
			}
		}
	}
	return problems
}

// scalars are the scalars of a YAML mapping by their dotted paths.
func scalars(text []byte) (map[string]string, error) {
	root, diags := document.Parse("secrets", text)
	if root == nil {
		return nil, errors.New(diags[0].Message)
	}
	found := map[string]string{}
	var walk func(prefix string, n *document.Node)
	walk = func(prefix string, n *document.Node) {
		if n.IsScalar() {
			found[prefix] = n.Text
		}
		if n.Is(value.Object) {
			for _, p := range n.Pairs {
				path := p.Key
				if prefix != "" {
					path = prefix + "." + p.Key
				}
				walk(path, p.Value)
			}
		}
	}
	walk("", root)
	return found, nil
}
