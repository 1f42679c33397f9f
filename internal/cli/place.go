package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/upstream"
)

// asking are the flags of commands that ask the control server of a process.
type asking struct {
	address   string
	tokenFile string
	host      string // with port, as commands of the format have it
	port      int
	out       output
}

func (a *asking) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.address, "control", "", "where the control server is: a port of this machine, `ADDRESS`, URL, or unix:PATH (default that of a document in this folder)")
	f.IntVar(&a.port, "port", 0, "the control server's `PORT`, as --control has it")
	f.StringVar(&a.host, "address", "localhost", "its `HOST`, beside --port")
	f.StringVar(&a.tokenFile, "control-token-file", "", "the control token is in this `FILE`")
	a.out.flag(cmd, "text", "json")
}

// place is where to send requests.
type place struct {
	client *http.Client
	base   string // of URLs
	name   string // for people
	token  secret.String
}

// mostWait is how long an answer may take that does not go on for ever.
const mostWait = 2 * time.Minute

// place finds the control server.
func (a *asking) place() (*place, error) {
	p := &place{name: a.address}
	if a.port != 0 {
		p.name = net.JoinHostPort(a.host, strconv.Itoa(a.port))
	}
	if a.tokenFile != "" {
		var err error
		if p.token, err = readToken(a.tokenFile); err != nil {
			return nil, failed(err)
		}
	}
	if p.name == "" {
		if p.name = declaredControl("."); p.name == "" {
			return nil, errors.New("say where the control server is, by --control or the variable FAIRLEAD_CONTROL; “fairlead serve --control 9901” opens one")
		}
	}
	if u, err := url.Parse(p.name); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		p.client, p.base = upstream.NewControlClient(""), u.Scheme+"://"+u.Host
		return p, nil
	}
	address, err := host.ParseControlAddress(p.name)
	if err != nil {
		return nil, fmt.Errorf("--control %s: %w", p.name, err)
	}
	p.client, p.base = upstream.NewControlClient(address.Socket), "http://localhost"
	if address.Socket == "" {
		p.base = "http://" + address.String()
	}
	return p, nil
}

// declaredControl is the address of the first control server that a document of a
// folder declares, "" for none.
func declaredControl(folder string) string {
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, _ := filepath.Glob(filepath.Join(folder, pattern)) // the pattern is good
		files = append(files, found...)
	}
	slices.Sort(files)
	for _, file := range files {
		src, err := host.Read(file, host.ReadOptions{Stdin: strings.NewReader("")})
		if err != nil {
			continue
		}
		d := host.Compile(src, compile.Options{})
		if d.Plan == nil {
			continue
		}
		for _, s := range d.Plan.Servers {
			if s.Control != nil && s.Model.Port != 0 {
				address := s.Model.Address
				if address == "0.0.0.0" || address == "::" || address == "" {
					address = "127.0.0.1"
				}
				return address + ":" + strconv.Itoa(s.Model.Port)
			}
		}
	}
	return ""
}

// ask sends a request. The caller closes the answer's body.
func (p *place) ask(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "Fairlead/"+Version())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !p.token.IsEmpty() {
		req.Header.Set("Authorization", "Bearer "+p.token.Reveal())
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
		return nil, failed(fmt.Errorf("no control server answers at %s: %w", p.name, err))
	}
	return resp, nil
}

// get asks for a whole answer. One with another status than wanted is an error, of
// which the server says what is wrong.
func (p *place) get(ctx context.Context, method, path string, body any, wanted ...int) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(ctx, mostWait)
	defer cancel()
	resp, err := p.ask(ctx, method, path, body)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return nil, 0, failed(fmt.Errorf("the answer of %s broke off: %w", p.name, err))
	}
	if resp.StatusCode == http.StatusOK || slices.Contains(wanted, resp.StatusCode) {
		return text, resp.StatusCode, nil
	}
	var said struct{ Error string }
	if json.Unmarshal(text, &said) != nil || said.Error == "" {
		said.Error = "it answers " + resp.Status + " and may be no control server"
	}
	return nil, 0, failed(fmt.Errorf("%s: %s", p.name, said.Error))
}

// read asks for JSON. It is printed as it came with -o json, and then more is false.
func (a *asking) read(ctx context.Context, s Streams, method, path string, body, into any, wanted ...int) (status int,
	more bool, err error) {
	p, err := a.place()
	if err != nil {
		return 0, false, err
	}
	text, status, err := p.get(ctx, method, path, body, wanted...)
	if err != nil {
		return 0, false, err
	}
	if a.out == "json" {
		_, err = s.Out.Write(text)
		return status, false, failed(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return 0, false, failed(fmt.Errorf("%s does not answer as a control server does", p.name))
	}
	return status, true, nil
}

// write is where a command prints what it has made.
func write(s Streams, b *bytes.Buffer) error {
	_, err := s.Out.Write(b.Bytes())
	return failed(err)
}
