package adapter_test

import (
	"net/http/httptest"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter"
)

func TestScreen(t *testing.T) {
	strict := adapter.Screen{Hosts: []string{"mcp.example", "Proxy.example.:8443"},
		Origins: []string{"https://app.example"}}
	open := adapter.Screen{AnyHost: true}
	for _, tt := range []struct {
		name         string
		screen       adapter.Screen
		host, origin string
		takesHost    bool
		takesOrigin  bool
	}{
		{"own page on loopback", strict, "127.0.0.1:9090", "http://127.0.0.1:9090", true, true},
		{"IPv6", strict, "[::1]:9090", "http://[::1]:9090", true, true},
		{"localhost", strict, "LocalHost:9090", "http://localhost:9090", true, true},
		{"below localhost", strict, "app.localhost.:9090", "http://app.localhost.:9090", true, true},
		{"no Host", strict, "", "http://evil.example", true, false},
		{"another port", strict, "localhost:9090", "http://localhost:3000", true, false},
		{"an address", strict, "192.0.2.7:9090", "http://192.0.2.7:9090", true, true},
		{"a configured name with a port", strict, "proxy.example", "https://proxy.example", true, true},
		{"a configured name", strict, "MCP.example:8443", "https://mcp.example:8443", true, true},
		{"a configured page", strict, "127.0.0.1:9090", "https://app.example", true, true},
		{"a configured page over http", strict, "127.0.0.1:9090", "http://app.example", true, false},
		{"a rebound name", strict, "evil.example:9090", "http://evil.example:9090", false, false},
		{"a rebound name where any is taken", open, "evil.example:9090", "http://evil.example:9090", true, false},
		{"no origin of its own", open, "127.0.0.1:9090", "null", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.screen.Host(tt.host); got != tt.takesHost {
				t.Errorf("takes the Host: %v", got)
			}
			if got := tt.screen.Origin(tt.origin, tt.host); got != tt.takesOrigin {
				t.Errorf("takes the Origin: %v", got)
			}
			r := httptest.NewRequest("POST", "/", nil)
			r.Host = tt.host
			r.Header.Set("Origin", tt.origin)
			if got := tt.screen.CrossSite(r, false); got == tt.takesOrigin {
				t.Errorf("is from another site: %v", got)
			}
		})
	}
	r := httptest.NewRequest("DELETE", "/", nil)
	if open.CrossSite(r, false) {
		t.Error("a program is from another site")
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if !open.CrossSite(r, false) {
		t.Error("a page without Origin is from another site")
	}
}
