package compile

import (
	"io/fs"
	"path"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/template"
)

// resources compiles the MCP resources of a server.
func (k *compiler) resources(s *plan.Server) {
	for _, m := range s.Model.MCPResources {
		k.withhold("resource", m.Name, func() bool {
			if m.Unreadable {
				return false
			}
			r := &plan.Resource{Model: m, Name: m.Name, Title: m.Display, URI: m.URI, MimeType: m.MimeType}
			if m.URI == "" {
				k.report(diag.MissingName, m.Node.Range(), "Add uri.", "the resource “%s” has no URI", m.Name)
				return false
			}
			if m.Location != "" && m.Call == "" && len(m.Steps) == 0 {
				files, err := k.folder(m.Location)
				if err != nil {
					k.report(diag.ResourceUnreadable, m.Node.Where("location"),
						"Put the folder beside the document, or allow its path with --allow-path.",
						"the folder of “%s” cannot be read: %s", m.Name, err)
					return false
				}
				r.Files = files
			} else {
				_, names := plan.SplitURI(m.URI)
				r.Unit = &plan.Unit{ID: s.Namespace + "." + m.Name, Kind: "resource", Namespace: s.Namespace,
					Name: m.Name, Title: m.Display, Description: m.Description, Model: &m.Unit}
				if !k.unit(r.Unit, unitContext{server: s.Model, inputs: m.Inputs, pathNames: names, required: true}) {
					return false
				}
			}
			s.Resources = append(s.Resources, r)
			return true
		})
	}
}

// prompts compiles the MCP prompts of a server.
func (k *compiler) prompts(s *plan.Server) {
	for _, m := range s.Model.Prompts {
		k.withhold("prompt", m.Name, func() bool {
			if m.Unreadable {
				return false
			}
			p := &plan.Prompt{Model: m, Name: m.Name, Title: m.Display}
			for _, a := range m.Arguments {
				arg := plan.Argument{Name: a.Name, Title: a.Node.Get("display").Str(), Description: a.Description,
					Required: a.Required == nil || *a.Required}
				for _, e := range a.Enum {
					arg.Enum = append(arg.Enum, e.Str())
				}
				p.Arguments = append(p.Arguments, arg)
			}
			arguments := make([]asked, len(p.Arguments))
			for i, a := range m.Arguments {
				arguments[i] = asked{a.Name, a.Secret, paramSchema(k, a)}
			}
			p.Ask = k.questions(m.Ask, arguments)
			for _, msg := range m.Messages {
				t, err := template.Compile(msg.Content, template.Double)
				if err != nil {
					k.report(diag.BadTemplate, m.Node.Where("template"), "Correct the braces.",
						"a message of “%s” cannot be read: %s", m.Name, err)
					return false
				}
				p.Messages = append(p.Messages, plan.Message{Role: msg.Role, Text: t})
			}
			if m.Location != "" {
				dir, file := path.Split(document.FilePath(m.Location))
				files, err := k.folder(dir)
				if err == nil {
					_, err = fs.Stat(files, file)
				}
				if err != nil {
					k.report(diag.ResourceUnreadable, m.Node.Where("location"),
						"Put the file beside the document, or allow its path with --allow-path.",
						"the file of “%s” cannot be read: %s", m.Name, err)
					return false
				}
				p.Files, p.File = files, file
			}
			if len(p.Messages) == 0 && p.File == "" {
				k.report(diag.NothingToRun, m.Node.Range(), "Add template or location.",
					"the prompt “%s” says nothing", m.Name)
				return false
			}
			s.Prompts = append(s.Prompts, p)
			return true
		})
	}
}

func (k *compiler) folder(location string) (fs.FS, error) {
	if k.options.Files == nil {
		return nil, fs.ErrNotExist
	}
	return k.options.Files.Folder(strings.TrimSuffix(document.FilePath(location), "/"))
}

// schemaFiles is the document's folder, for schemas of binary formats.
func (k *compiler) schemaFiles() fs.FS {
	if k.options.Files == nil {
		return nil
	}
	files, err := k.options.Files.Folder(".")
	if err != nil {
		return nil
	}
	if m, ok := k.options.Files.(*metered); ok {
		return schemas{files, m}
	}
	return files
}

// binarySize reads “5MiB”; 0 when there is none.
func (k *compiler) binarySize(text string, n *document.Node) int64 {
	if text == "" {
		return 0
	}
	size, ok := parseSize(text)
	if !ok {
		k.reportOnce(diag.WrongType, n.Where("maxBinarySize"), "Write a number with B, KiB, MiB or GiB.",
			"“%s” is not a size; the default applies", text)
	}
	return size
}
