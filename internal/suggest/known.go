package suggest

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/fairlead/fairlead/internal/model"
)

// known is what the documentation of an API says of its sessions, where documents do
// not: facts only.
type known struct {
	what   string         // the API, for the comment
	path   *regexp.Regexp // of the login operation, with the path of the base URI before it
	words  []string       // one of which is in the API's namespace, address or description; none means any
	ask    []string       // the members of the body of the login, where the document does not name them
	header []string       // headers in the place of that body
	form   bool           // that body is a form
	token  []string       // places in the answer: JSONPaths, or mappings as YAML; alternatives in order
	// as YAML
	expires string
	send    string
	show    string
}

// knows is what is known of well-known APIs. Sources are their public references.
func knows(api *model.Consume, op *model.Operation) *known {
	base, path := api.BaseURI, ""
	if u, err := url.Parse(base); err == nil {
		path = u.Path
	} else if _, rest, ok := strings.Cut(base, "://"); ok { // a variable in the host
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			path = rest[i:]
		}
	}
	path = strings.ToLower(strings.TrimRight(path, "/") + "/" + strings.TrimLeft(op.FullPath(), "/"))
	about := strings.ToLower(api.Namespace + " " + base + " " + api.Description + " " + op.Description)
	for i := range facts {
		k := &facts[i]
		if !k.path.MatchString(path) {
			continue
		}
		if len(k.words) == 0 {
			return k
		}
		for _, word := range k.words {
			if strings.Contains(about, word) {
				return k
			}
		}
	}
	return nil
}

var facts = [...]known{
	{what: "Koyeb", path: regexp.MustCompile(`/v1/account/login$`), words: []string{"koyeb"},
		ask: []string{"email", "password"}, token: []string{"$.token.id"}, expires: "$.token.expires_at",
		send: "bearer",
		show: "{user: $.token.user_id}"},
	{what: "Prisma Cloud", path: regexp.MustCompile(`/login$`), words: []string{"prismacloud", "prisma-cloud"},
		ask: []string{"username", "password"}, token: []string{"$.token"}, expires: "10m",
		send: "{header: x-redlock-auth}"},
	{what: "Tableau", path: regexp.MustCompile(`/auth/signin$`), words: []string{"tableau"},
		token: []string{"$.credentials.token"}, send: "{header: X-Tableau-Auth}",
		show: "{user: $.credentials.user.id}"},
	{what: "Metabase", path: regexp.MustCompile(`/session$`), words: []string{"metabase"},
		ask: []string{"username", "password"}, token: []string{"$.id"}, send: "{header: X-Metabase-Session}"},
	{what: "Looker", path: regexp.MustCompile(`/login$`), words: []string{"looker"},
		ask: []string{"client_id", "client_secret"}, form: true, token: []string{"$.access_token"},
		expires: "{in: $.expires_in}", send: "bearer"},
	{what: "Redfish", path: regexp.MustCompile(`/sessionservice/sessions$`),
		ask: []string{"UserName", "Password"}, token: []string{"{header: X-Auth-Token}"},
		send: "{header: X-Auth-Token}"},
	{what: "OpenStack Keystone", path: regexp.MustCompile(`/v3/auth/tokens$`),
		token: []string{"{header: X-Subject-Token}"}, expires: "$.token.expires_at", send: "{header: X-Auth-Token}"},
	{what: "Rackspace", path: regexp.MustCompile(`/v2.0/tokens$`), token: []string{"$.access.token.id"},
		expires: "$.access.token.expires", send: "{header: X-Auth-Token}"},
	{what: "SAP BI Platform", path: regexp.MustCompile(`/logon/(long|token|adsso|trusted)$`),
		ask: []string{"userName", "password"}, token: []string{"{header: X-SAP-LogonToken}", "$.logonToken"},
		send: "{header: X-SAP-LogonToken}"},
	{what: "Informatica", path: regexp.MustCompile(`/ma/api/v2/user(/login)?$`),
		ask: []string{"username", "password"}, token: []string{"$.icSessionId"}, send: "{header: icSessionId}"},
	{what: "CouchDB", path: regexp.MustCompile(`/_session$`), ask: []string{"name", "password"},
		token: []string{"{cookie: AuthSession}"}, send: "{cookie: AuthSession}"},
	{what: "HashiCorp Vault", path: regexp.MustCompile(`/v1/auth/[^/]+/login(/[^/]+)?$`), token: []string{"$.auth.client_token"},
		expires: "{in: $.auth.lease_duration}", send: "{header: X-Vault-Token}"},
	{what: "Apache Guacamole", path: regexp.MustCompile(`/api/tokens$`), words: []string{"guacamole"},
		ask: []string{"username", "password"}, form: true, token: []string{"$.authToken"}, send: "{query: token}",
		show: "{user: $.username}"},
	{what: "Veeva Vault", path: regexp.MustCompile(`/api/v[^/]+/auth$`), words: []string{"veeva"},
		ask: []string{"username", "password"}, form: true, token: []string{"$.sessionId"},
		send: "{header: Authorization}"},
	{what: "Juniper Apstra", path: regexp.MustCompile(`/aaa/login$`), words: []string{"apstra", "juniper"},
		ask: []string{"username", "password"}, token: []string{"$.token"}, send: "{header: AuthToken}",
		show: "{user: $.id}"},
	{what: "Determined", path: regexp.MustCompile(`/api/v1/auth/login$`), words: []string{"determined"},
		ask: []string{"username", "password"}, token: []string{"$.token"}, send: "bearer"},
	{what: "Octoparse", path: regexp.MustCompile(`/token$`), words: []string{"octoparse"},
		ask: []string{"username", "password", "grant_type"}, token: []string{"$.data.access_token"},
		expires: "{in: $.data.expires_in}", send: "bearer"},
	{what: "Magento", path: regexp.MustCompile(`/integration/(admin|customer)/token$`),
		ask: []string{"username", "password"}, token: []string{"$"}, send: "bearer"},
	{what: "Nacos", path: regexp.MustCompile(`/v\d/auth(/users?)?/login$`), words: []string{"nacos"},
		ask: []string{"username", "password"}, form: true, token: []string{"$.accessToken"},
		expires: "{in: $.tokenTtl}", send: "{query: accessToken}"},
	{what: "Cisco ACI and NX-OS", path: regexp.MustCompile(`/(aaalogin\.json)?$`), words: []string{"cisco", "nexus"},
		token: []string{"$.imdata[0].aaaLogin.attributes.token"}, send: "{cookie: APIC-cookie}",
		expires: `{in: "$.imdata[0].aaaLogin.attributes.refreshTimeoutSeconds"}`},
	{what: "Citrix NetScaler", path: regexp.MustCompile(`/nitro/v1/config/login$`), token: []string{"{cookie: NITRO_AUTH_TOKEN}"},
		send: "{cookie: NITRO_AUTH_TOKEN}"},
	{what: "ForgeRock AM", path: regexp.MustCompile(`/json/.*authenticate$`), words: []string{"forgerock", "openam"},
		header: []string{"X-OpenAM-Username", "X-OpenAM-Password"}, token: []string{"$.tokenId"},
		send: "{cookie: iPlanetDirectoryPro}"},
}
