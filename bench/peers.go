package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// servePeer runs one peer as this process until standard input ends, so that no
// peer outlives the bench. It prints its URL as the first line.
func servePeer(kind string, args []string) error {
	h, err := newPeer(kind, args)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		l.Close()
	}()
	if err := http.Serve(l, h); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// newPeer makes a peer's handler. All but the upstream take the upstream's URL.
func newPeer(kind string, args []string) (http.Handler, error) {
	if kind == "upstream" {
		return http.HandlerFunc(upstream), nil
	}
	if len(args) != 1 {
		return nil, fmt.Errorf("peer %s needs the URL of the upstream", kind)
	}
	u, err := url.Parse(args[0])
	if err != nil {
		return nil, err
	}
	switch kind {
	case "proxy":
		return &httputil.ReverseProxy{Transport: transport(),
			Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}, nil
	case "bare":
		return newBareHandler(args[0]), nil
	case "sdk":
		return newSDK(&loginClient{&http.Client{Transport: transport()}, args[0] + loginPath}, nil)
	case "sdk-catalogue":
		return newSDK(nil, catalogueJSON())
	}
	return nil, fmt.Errorf("no peer is named %s", kind)
}

// transport is the default one with as many idle connections as a load has:
// with the default two, every peer would dial most of the time.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 4 * concurrency
	return t
}

// upstream stands in for the consumed API: it reads the login body and gives
// one answer.
func upstream(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != loginPath || !bytes.Equal(body, []byte(loginBody)) {
		http.Error(w, fmt.Sprintf("not the login call: %s %s %s", r.Method, r.URL.Path, body), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, loginAnswer)
}

// loginClient makes the upstream call of the MCP peers.
type loginClient struct {
	client *http.Client
	url    string
}

func (c *loginClient) login(ctx context.Context, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("upstream answered %s: %s", res.Status, answer)
	}
	return answer, err
}

// bareHandler is what a person would write by hand for exactly this server:
// two methods, one tool, encoding/json, no validation beyond the headers that
// 2026-07-28 asks a server to compare.
type bareHandler struct {
	login     loginClient
	catalogue json.RawMessage
}

func newBareHandler(upstream string) *bareHandler {
	return &bareHandler{loginClient{&http.Client{Transport: transport()}, upstream + loginPath}, catalogueJSON()}
}

type bareRequest struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name      string `json:"name"`
		Arguments struct {
			Body json.RawMessage `json:"body"`
		} `json:"arguments"`
		Meta struct {
			Version string `json:"io.modelcontextprotocol/protocolVersion"`
		} `json:"_meta"`
	} `json:"params"`
}

type bareContent struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type bareMeta struct {
	Server struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"io.modelcontextprotocol/serverInfo"`
}

type bareResult struct {
	Type       string          `json:"resultType,omitempty"`
	Meta       *bareMeta       `json:"_meta,omitempty"`
	Content    []bareContent   `json:"content"`
	Structured json.RawMessage `json:"structuredContent"`
}

type bareResponse struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  bareResult      `json:"result"`
}

func (h *bareHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req bareRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	modern := req.Params.Meta.Version != ""
	if modern && (r.Header.Get("Mcp-Protocol-Version") != req.Params.Meta.Version ||
		r.Header.Get("Mcp-Method") != req.Method || r.Header.Get("Mcp-Name") != req.Params.Name) {
		http.Error(w, "headers do not match the body", http.StatusBadRequest)
		return
	}
	switch {
	case req.Method == "tools/call" && req.Params.Name == loginTool:
		h.call(w, r, &req, modern)
	case req.Method == "tools/list":
		h.list(w, &req, modern)
	default:
		http.Error(w, "unknown method or tool", http.StatusNotFound)
	}
}

func (h *bareHandler) call(w http.ResponseWriter, r *http.Request, req *bareRequest, modern bool) {
	answer, err := h.login.login(r.Context(), req.Params.Arguments.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	res := bareResponse{Version: "2.0", ID: req.ID,
		Result: bareResult{Content: []bareContent{{"text", string(answer)}}, Structured: answer}}
	if modern {
		res.Result.Type, res.Result.Meta = "complete", new(bareMeta)
		res.Result.Meta.Server.Name, res.Result.Meta.Server.Version = "bare", "1"
	}
	out, err := json.Marshal(res)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out)
}

// list writes prepared bytes: nobody by hand would marshal a constant.
func (h *bareHandler) list(w http.ResponseWriter, req *bareRequest, modern bool) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{`, req.ID)
	if modern {
		_, _ = io.WriteString(w, `"resultType":"complete","ttlMs":60000,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"bare","version":"1"}},`)
	}
	_, _ = io.WriteString(w, `"tools":`)
	_, _ = w.Write(h.catalogue)
	_, _ = io.WriteString(w, "}}")
}

// newSDK is the MCP Go SDK's server as fast as its options make it: stateless,
// JSON answers, raw schemas. It has the login tool or the tools of a catalogue.
func newSDK(login *loginClient, catalogue []byte) (http.Handler, error) {
	s := mcp.NewServer(&mcp.Implementation{Name: "sdk", Version: "1"}, &mcp.ServerOptions{
		PageSize:     catalogueTools,
		Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}},
	})
	if login != nil {
		s.AddTool(&mcp.Tool{Name: loginTool, Description: "Login user", InputSchema: json.RawMessage(`{"type":"object","properties":{"body":{"type":"object"}},"required":["body"]}`)}, login.tool)
	}
	if catalogue != nil {
		var tools []*mcp.Tool
		if err := json.Unmarshal(catalogue, &tools); err != nil {
			return nil, err
		}
		for _, t := range tools {
			s.AddTool(t, func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				return nil, errors.New("the catalogue is only listed")
			})
		}
	}
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true}), nil
}

// tool is the login tool of the SDK's server.
func (c *loginClient) tool(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	var arguments struct {
		Body json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(req.Params.Arguments, &arguments); err != nil {
		return nil, err
	}
	answer, err := c.login(ctx, arguments.Body)
	if err != nil {
		return nil, err
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(answer)}},
		StructuredContent: json.RawMessage(answer)}, nil
}
