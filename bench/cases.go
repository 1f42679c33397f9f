package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Names of the cases that others are compared with, or that targets are set for.
const (
	restProxy      = "REST ReverseProxy"
	restFairlead   = "REST Fairlead"
	callLegacy     = "tools/call 2025-06-18"
	callModern     = "tools/call 2026-07-28"
	listLegacy     = "tools/list of 1000, 2025-06-18,"
	listModern     = "tools/list of 1000, 2026-07-28,"
	bare           = " bare handler"
	sdk            = " Go SDK"
	fairlead       = " Fairlead"
	startUp        = "start-up"
	catalogueTools = 1000
)

const (
	loginBody   = `{"email":"ada@example.com","password":"correct horse battery staple"}`
	tokenID     = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3ZjNhMWI5MC0yYzRkLTRlNWYtOGE2Yi0wYzFkMmUzZjRhNWIiLCJvcmciOiIxYjJjM2Q0ZS01ZjZhLTRiN2MtOGQ5ZS0wYTFiMmMzZDRlNWYiLCJleHAiOjE3OTU0MzUyMDB9.c2lnbmF0dXJlLW9mLWEtc2Vzc2lvbi10b2tlbi1pbi1hLWJlbmNo"
	loginAnswer = `{"token":{"id":"` + tokenID + `","user_id":"7f3a1b90-2c4d-4e5f-8a6b-0c1d2e3f4a5b","organization_id":"1b2c3d4e-5f6a-4b7c-8d9e-0a1b2c3d4e5f","expires_at":"2026-11-23T12:00:00Z"}}`

	loginPath = "/v1/account/login"
	loginTool = "login-user"

	legacyVersion = "2025-06-18"
	modernVersion = "2026-07-28"
	modernMeta    = `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`
)

// comparison lists the cases of a run against peers.
func comparison() []*target {
	cases := []*target{
		rest("REST direct upstream", "upstream", loginPath),
		rest(restProxy, "proxy", loginPath),
		rest("REST nginx", "nginx", loginPath),
		rest(restFairlead, "fairlead", "/v1"+loginPath),
	}
	for _, server := range []struct{ suffix, call, list string }{
		{bare, "bare", "bare"},
		{sdk, "sdk", "sdk-catalogue"}, // a second server: the SDK's tools are the server's, whoever asks
		{fairlead, "fairlead", "fairlead-catalogue"},
	} {
		cases = append(cases,
			call(callLegacy, server.suffix, server.call, false), call(callModern, server.suffix, server.call, true),
			list(listLegacy, server.suffix, server.list, false), list(listModern, server.suffix, server.list, true))
	}
	for _, server := range []struct{ suffix, key string }{{logged, "fairlead-logged"},
		{observed, "fairlead-observed"}} {
		r, c := rest(restFairlead+server.suffix, server.key, "/v1"+loginPath),
			call(callModern, fairlead+server.suffix, server.key, true)
		r.base, c.base = restFairlead, callModern+fairlead
		cases = append(cases, r, c)
	}
	return cases
}

// What Fairlead does besides in the cases that measure what being observed costs.
const (
	logged   = ", access log"
	observed = ", access log, metrics, traces"
)

func rest(name, server, path string) *target {
	t := &target{name: name, base: restProxy, server: server, method: "POST", path: path, body: loginBody,
		want: tokenID}
	t.header = []string{"Accept: application/json"}
	return t
}

func call(name, suffix, server string, modern bool) *target {
	t := rpc("tools/call", `"name":"`+loginTool+`","arguments":{"body":`+loginBody+`}`, modern)
	t.name, t.base, t.server = name+suffix, name+bare, server
	t.want = `"structuredContent":{"token":{"id":"` + tokenID
	if modern {
		t.header = append(t.header, "Mcp-Name: "+loginTool)
	}
	return t
}

func list(name, suffix, server string, modern bool) *target {
	t := rpc("tools/list", "", modern)
	t.name, t.base, t.server, t.share = name+suffix, name+bare, server, 10
	t.want = `"name":"` + catalogueName(catalogueTools-1) + `"`
	return t
}

// rpc is a JSON-RPC request as a client of either era sends it.
func rpc(method, params string, modern bool) *target {
	t := &target{method: "POST", mcp: true, header: []string{"Accept: application/json, text/event-stream"}}
	version := legacyVersion
	if modern {
		version = modernVersion
		t.header = append(t.header, "Mcp-Method: "+method)
		if params != "" {
			params += ","
		}
		params += `"_meta":` + modernMeta
	}
	t.header = append(t.header, "MCP-Protocol-Version: "+version)
	t.body = fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":%q,"params":{%s}}`, method, params)
	return t
}

func catalogueName(i int) string { return fmt.Sprintf("get-thing-%04d", i) }

const catalogueDescription = "Get one thing of the catalogue with the members asked for, as it was at a moment"

// catalogueInputs are the inputs of every tool of the catalogue.
var catalogueInputs = []struct{ name, in, kind, description string }{
	{"id", "path", "string", "Identifier of the thing"},
	{"fields", "query", "string", "Names of the members wanted, separated by commas"},
	{"limit", "query", "integer", "How many related things to include at most"},
	{"verbose", "query", "boolean", "Whether empty members are included too"},
}

// catalogueDocument is a capability document with catalogueTools tools.
func catalogueDocument() []byte {
	var consumed, exposed strings.Builder
	for i := range catalogueTools {
		fmt.Fprintf(&consumed, "    - name: thing-%04d\n      path: /things-%04d/{{id}}\n      operations:\n      - name: get-%04d\n        method: GET\n        inputParameters:\n", i, i, i)
		for _, p := range catalogueInputs {
			fmt.Fprintf(&consumed, "        - {name: %s, in: %s, type: %s, description: %q, required: %t}\n", p.name,
				p.in, p.kind, p.description, p.in == "path")
		}
		fmt.Fprintf(&exposed, "    - name: %s\n      description: %s\n      hints: {readOnly: true, idempotent: true, destructive: false, openWorld: true}\n      call: things.get-%04d\n", catalogueName(i), catalogueDescription, i)
	}
	return []byte(`naftiko: 1.0.0-alpha2
info:
  label: Catalogue
  description: A large catalogue of tools.
capability:
  consumes:
  - type: http
    namespace: things
    baseUri: https://things.example.com
    resources:
` + consumed.String() + `  exposes:
  - type: mcp
    namespace: things-mcp
    port: 9090
    transport: http
    tools:
` + exposed.String())
}

// catalogueJSON is the same catalogue as the peers list it: the tools array of
// a tools/list result.
func catalogueJSON() []byte {
	type property struct {
		Type        string `json:"type"`
		Description string `json:"description"`
	}
	type schema struct {
		Type       string              `json:"type"`
		Properties map[string]property `json:"properties"`
		Required   []string            `json:"required"`
		Additional bool                `json:"additionalProperties"`
	}
	type tool struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Input       schema          `json:"inputSchema"`
		Annotations map[string]bool `json:"annotations"`
	}
	input := schema{Type: "object", Properties: map[string]property{}, Required: []string{"id"}}
	for _, p := range catalogueInputs {
		input.Properties[p.name] = property{p.kind, p.description}
	}
	tools := make([]tool, catalogueTools)
	for i := range tools {
		tools[i] = tool{catalogueName(i), catalogueDescription, input,
			map[string]bool{"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true,
				"openWorldHint": true}}
	}
	data, _ := json.Marshal(tools) // strings and booleans marshal
	return data
}
