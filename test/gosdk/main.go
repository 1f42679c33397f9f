// Gosdk holds one session with an MCP server through the official Go SDK's
// client: the steps come as lines of JSON on standard input, the answers leave
// as lines of JSON on standard output, as test/clients/README.md says. It is a
// module of its own so that the SDK never enters Fairlead's.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// versions are the protocol revisions that an era asks for; "auto" is the SDK's choice.
var versions = map[string]string{"auto": "", "legacy": "2025-11-25", "modern": "2026-07-28"}

type step struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

type failure struct {
	Code    int64  `json:"code,omitempty"`
	Message string `json:"message"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		say("error", describe(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: gosdk legacy|auto|modern URL | stdio COMMAND [ARG]")
	}
	version, ok := versions[args[0]]
	if !ok {
		return fmt.Errorf("no era %q", args[0])
	}
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: args[1]}
	if args[1] == "stdio" {
		cmd := exec.CommandContext(ctx, args[2], args[3:]...)
		cmd.Stderr = os.Stderr
		transport = &mcp.CommandTransport{Command: cmd}
	}
	in := bufio.NewScanner(os.Stdin)
	options, err := user(os.Getenv("FAIRLEAD_TEST_ANSWERS"))
	if err != nil {
		return err
	}
	pages := &pages{in: in}
	if os.Getenv("FAIRLEAD_TEST_OPENS") != "" {
		options = pages.options(args[1] == "stdio")
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "fairlead-test", Version: "1"}, options)
	session, err := client.Connect(ctx, transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		return err
	}
	opened := session.InitializeResult()
	write(map[string]any{"protocolVersion": opened.ProtocolVersion, "serverInfo": opened.ServerInfo})
	for in.Scan() {
		var s step
		if err := json.Unmarshal(in.Bytes(), &s); err != nil {
			return err
		}
		if result, err := pages.opened(ctx, func() (any, error) { return call(ctx, session, s) }); err != nil {
			say("error", describe(err))
		} else {
			say("result", result)
		}
	}
	return session.Close()
}

// user answers forms from a JSON object by field; "" is nobody.
func user(answers string) (*mcp.ClientOptions, error) {
	if answers == "" {
		return nil, nil
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(answers), &all); err != nil {
		return nil, err
	}
	return &mcp.ClientOptions{ElicitationHandler: func(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult,
		error) {
		var schema struct{ Properties map[string]any }
		text, err := json.Marshal(req.Params.RequestedSchema)
		if err == nil {
			err = json.Unmarshal(text, &schema)
		}
		content := map[string]any{}
		for name := range schema.Properties {
			if v, ok := all[name]; ok {
				content[name] = v
			}
		}
		return &mcp.ElicitResult{Action: "accept", Content: content}, err
	}}, nil
}

// pages are those that the user opens: it says {"open":URL} and reads a line when
// that is done. The SDK leaves the error -32042 of revision 2025-11-25 to programs.
type pages struct {
	in     *bufio.Scanner
	closed chan string // elicitations that the server says are complete; nil where it cannot say so
}

func (p *pages) options(told bool) *mcp.ClientOptions {
	o := &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapabilities{URL: &mcp.URLElicitationCapabilities{}}},
		ElicitationHandler: func(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			p.open(req.Params.URL, req.Params.ElicitationID)
			return &mcp.ElicitResult{Action: "accept"}, nil
		},
	}
	if told {
		p.closed = make(chan string, 1)
		o.ElicitationCompleteHandler = func(_ context.Context, req *mcp.ElicitationCompleteNotificationRequest) {
			p.closed <- req.Params.ElicitationID
		}
	}
	return o
}

func (p *pages) open(url, id string) {
	write(map[string]any{"open": url, "elicitationId": id})
	p.in.Scan()
}

// opened makes a call, and makes it again after the pages are open, and where the
// server can say so complete, that it needs.
func (p *pages) opened(ctx context.Context, call func() (any, error)) (any, error) {
	for {
		result, err := call()
		wire, ok := errors.AsType[*jsonrpc.Error](err)
		if !ok || wire.Code != mcp.CodeURLElicitationRequired {
			return result, err
		}
		var data struct {
			Elicitations []struct{ URL, ElicitationID string }
		}
		if err := json.Unmarshal(wire.Data, &data); err != nil {
			return nil, err
		}
		for _, e := range data.Elicitations {
			p.open(e.URL, e.ElicitationID)
			if p.closed == nil {
				continue
			}
			select {
			case id := <-p.closed:
				if id != e.ElicitationID {
					return nil, fmt.Errorf("%s is complete, not %s", id, e.ElicitationID)
				}
			case <-time.After(30 * time.Second):
				return nil, errors.New("the server does not say that the sign-in is complete")
			}
		}
	}
}

func call(ctx context.Context, session *mcp.ClientSession, s step) (any, error) {
	switch s.Method {
	case "tools/list":
		return with(ctx, s, session.ListTools)
	case "tools/call":
		return with(ctx, s, session.CallTool)
	case "prompts/list":
		return with(ctx, s, session.ListPrompts)
	case "prompts/get":
		return with(ctx, s, session.GetPrompt)
	case "resources/list":
		return with(ctx, s, session.ListResources)
	case "resources/templates/list":
		return with(ctx, s, session.ListResourceTemplates)
	case "resources/read":
		return with(ctx, s, session.ReadResource)
	case "ping":
		return struct{}{}, session.Ping(ctx, nil)
	}
	return nil, fmt.Errorf("no step %q", s.Method)
}

func with[P, R any](ctx context.Context, s step, f func(context.Context, *P) (*R, error)) (any, error) {
	var params P
	if s.Params != nil {
		if err := json.Unmarshal(s.Params, &params); err != nil {
			return nil, err
		}
	}
	return f(ctx, &params)
}

func describe(err error) failure {
	f := failure{Message: err.Error()}
	if wire, ok := errors.AsType[*jsonrpc.Error](err); ok {
		f.Code = wire.Code
	}
	return f
}

func say(kind string, v any) { write(map[string]any{kind: v}) }

func write(v any) {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		panic(err) // nobody reads any more
	}
}
