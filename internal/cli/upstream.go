package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/upstream"
)

// calling are the flags that say how APIs are called.
type calling struct {
	limits upstream.Limits
	http2  bool

	// what documents leave out
	retries, concurrent int
	breaker             bool

	// connections, each [NAMESPACE=]VALUE
	proxies, cas, certs, insecure []string

	allowed, denied []string // hosts
}

func (c *calling) flags(cmd *cobra.Command, l *loading) {
	f := cmd.Flags()
	c.limits = upstream.Limits{}.WithDefaults()
	f.Var(period{&c.limits.Connect}, "connect-timeout", "how long connecting to an API may take")
	f.Var(period{&c.limits.Header}, "header-timeout", "how long an API may take to begin its answer")
	f.Var(period{&c.limits.Idle}, "idle-timeout", "how long nothing may come of an answer")
	f.Var(period{&c.limits.Call}, "call-timeout",
		"how long a whole call may take, or until its answer begins if that is passed on as it comes")
	f.Var(amount{&c.retries}, "retries",
		"how often a call that may be repeated is sent again, where documents say nothing of it (default never)")
	f.BoolVar(&c.breaker, "breaker", false,
		"leave an API alone for a while that fails, where documents say nothing of it")
	f.Var(amount{&c.concurrent}, "concurrent",
		"how many calls to each API run at a time, where documents say nothing of it (default any number)")
	f.BoolVar(&c.http2, "http2", false,
		"offer HTTP/2 to every API (default only to those that the document says it of)")
	f.StringArrayVar(&c.proxies, "proxy", nil,
		"reach APIs through this proxy, or “none”: `[NAMESPACE=]URL` (default that of the environment)")
	f.StringArrayVar(&c.cas, "upstream-ca", nil,
		"trust these certificates, too, of APIs: `[NAMESPACE=]FILE` (PEM)")
	f.StringArrayVar(&c.certs, "upstream-cert", nil,
		"connect to APIs with this client certificate and its key: `[NAMESPACE=]FILE` (PEM)")
	f.StringArrayVar(&c.insecure, "insecure-upstream", nil,
		"believe whoever answers to be the API of this `NAMESPACE` (for trying out only)")
	f.StringSliceVar(&c.allowed, "allow-upstream", nil,
		"let documents reach only this `HOST`: a name, *.domain, address or range")
	f.StringSliceVar(&c.denied, "deny-upstream", nil,
		"let no document reach this `HOST`: as above, or private, loopback, link-local")
	for _, flag := range []string{"proxy", "upstream-ca", "upstream-cert"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, l.completeNames(consumedNames, "="))
	}
	_ = cmd.RegisterFlagCompletionFunc("insecure-upstream", l.completeNames(consumedNames, ""))
}

// client is how APIs are called. Its errors are those of the command line.
func (c *calling) client() (upstream.Config, error) {
	out := upstream.Config{Limits: c.limits, Agent: "Fairlead/" + Version(), HTTP2: c.http2}
	if c.retries > 0 {
		out.Retry = upstream.UsualRetry(c.retries)
	}
	if c.breaker {
		out.Breaker = upstream.UsualBreaker()
	}
	if c.concurrent > 0 {
		out.Limit = upstream.UsualLimit(c.concurrent)
	}
	var err error
	if out.Egress.Allow, err = rules("--allow-upstream", c.allowed); err != nil {
		return out, err
	}
	if out.Egress.Deny, err = rules("--deny-upstream", c.denied); err != nil {
		return out, err
	}
	out.Connections, err = c.connections()
	return out, err
}

func rules(flag string, texts []string) (rules []upstream.EgressRule, err error) {
	for _, text := range texts {
		rule, err := upstream.ParseEgressRule(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// connections are those that the flags describe, by namespace; nil for none.
func (c *calling) connections() (all map[string]upstream.Connections, err error) {
	set := func(flag string, texts []string, put func(to *upstream.Connections, text string) error) {
		for _, text := range texts {
			namespace, text := splitUpstream(text)
			to := all[namespace]
			failed := put(&to, text)
			if failed == nil {
				failed = to.Check()
			}
			if failed != nil && err == nil {
				err = fmt.Errorf("%s %s: %w", flag, upstream.ProxyText(text), failed)
			}
			if all == nil {
				all = map[string]upstream.Connections{}
			}
			all[namespace] = to
		}
	}
	set("--proxy", c.proxies, func(to *upstream.Connections, text string) error {
		to.Proxy = text
		return nil
	})
	set("--upstream-ca", c.cas, func(to *upstream.Connections, text string) error {
		pem, err := os.ReadFile(text)
		to.CA += string(pem) + "\n"
		return err
	})
	set("--upstream-cert", c.certs, func(to *upstream.Connections, text string) error {
		to.CertFile = text
		return nil
	})
	for _, namespace := range c.insecure {
		if namespace == "" || strings.ContainsAny(namespace, "=/") {
			return nil, errors.New("--insecure-upstream: want the namespace of a consumed API")
		}
		if all == nil {
			all = map[string]upstream.Connections{}
		}
		to := all[namespace]
		to.Insecure = true
		all[namespace] = to
	}
	return all, err
}

// warn says what nobody should find out by accident.
func (c *calling) warn(w io.Writer) {
	for _, namespace := range c.insecure {
		fmt.Fprintf(w, "fairlead: WARNING: --insecure-upstream %[1]s: the certificates of “%[1]s” are NOT verified. "+
			"Whoever stands between reads and changes what is sent, credentials too.\n", namespace)
	}
}

// unmatched is the error of a namespace of a flag that no document consumes.
func (c *calling) unmatched(documents []*host.Document) error {
	var there []string
	for _, d := range documents {
		if d.Plan == nil {
			return nil // what it consumes is not known
		}
		there = append(there, consumedNames(d)...)
	}
	for _, flag := range []struct {
		name  string
		texts []string
	}{{"--proxy", c.proxies}, {"--upstream-ca", c.cas}, {"--upstream-cert", c.certs}} {
		for _, text := range flag.texts {
			if namespace, _ := splitUpstream(text); namespace != "" {
				if err := unknownName(flag.name, namespace, "consumed API", there); err != nil {
					return err
				}
			}
		}
	}
	for _, namespace := range c.insecure {
		if err := unknownName("--insecure-upstream", namespace, "consumed API", there); err != nil {
			return err
		}
	}
	return nil
}
