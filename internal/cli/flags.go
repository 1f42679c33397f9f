package cli

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/host"
)

// named asks for arguments of these names, and takes more.
func named(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= len(names) {
			return nil
		}
		return fmt.Errorf("%s is missing: %s", strings.Join(names[len(args):], " and "), cmd.UseLine())
	}
}

// single takes one argument or none.
func single(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return fmt.Errorf("“%s” is one argument too many: %s", args[1], cmd.UseLine())
}

// period is a flag for a time that something may take.
type period struct{ of *time.Duration }

func (p period) Type() string { return "TIME" }

func (p period) String() string {
	if p.of == nil {
		return ""
	}
	if *p.of%time.Minute == 0 {
		return strings.TrimSuffix(p.of.String(), "0s") // 1m, not 1m0s
	}
	return p.of.String()
}

func (p period) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return errors.New("want a time such as 500ms, 30s or 2m")
	}
	*p.of = d
	return nil
}

// amount is a flag for a number above zero.
type amount struct{ of *int }

func (a amount) Type() string { return "N" }

func (a amount) String() string {
	if a.of == nil || *a.of == 0 {
		return ""
	}
	return strconv.Itoa(*a.of)
}

func (a amount) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return errors.New("want a number above 0")
	}
	*a.of = n
	return nil
}

// pages is a flag for the origins of web pages. One that no browser sends would
// let nobody in, and nobody would know why.
type pages struct{ of *[]string }

func (o pages) Type() string { return "ORIGIN" }

func (o pages) String() string {
	if o.of == nil {
		return ""
	}
	return strings.Join(*o.of, ",")
}

func (o pages) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		u, err := url.Parse(one)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+strings.ToLower(u.Host) != one {
			return errors.New("want scheme://host[:port] as browsers send it, such as https://app.example.com")
		}
		*o.of = append(*o.of, one)
	}
	return nil
}

// unmatchedUpstream is the error of a namespace of --upstream that no document
// consumes: calls would go to the API that they were to be kept from.
func (l *loading) unmatchedUpstream(documents []*host.Document) error {
	var there []string
	for _, d := range documents {
		if d.Plan == nil {
			return nil // what it consumes is not known
		}
		there = append(there, consumedNames(d)...)
	}
	for _, text := range l.upstream {
		if namespace, _ := splitUpstream(text); namespace != "" {
			if err := unknownName("--upstream", namespace, "consumed API", there); err != nil {
				return err
			}
		}
	}
	return nil
}

// unmatchedNamespace is the error of a flag that names no MCP server.
func unmatchedNamespace(flag, namespace string, documents []*host.Document) error {
	var there []string
	for _, d := range documents {
		if d.Plan != nil {
			there = append(there, offeredNames(d)...)
		}
	}
	if namespace == "" {
		return nil
	}
	return unknownName(flag, namespace, "MCP server", there)
}

// mostNamed is how many names an error lists.
const mostNamed = 8

// unknownName is the error of a flag whose name is not one of those that there
// are, nil where it is.
func unknownName(flag, name, noun string, there []string) error {
	if slices.Contains(there, name) {
		return nil
	}
	hint := "there is none"
	if near, ok := diag.Near(name, there); ok {
		hint = "did you mean “" + near + "”?"
	} else if len(there) > mostNamed {
		hint = fmt.Sprintf("there are %s and %d more", strings.Join(there[:mostNamed], ", "), len(there)-mostNamed)
	} else if len(there) > 0 {
		hint = "there is " + strings.Join(there, ", ")
	}
	return failed(fmt.Errorf("%s: no document has the %s “%s”; %s", flag, noun, name, hint))
}
