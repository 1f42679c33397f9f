package mcp

import (
	"net/http"

	"github.com/fairlead/fairlead/internal/value"
)

// Error codes of JSON-RPC 2.0 and of MCP 2026-07-28. -32002 is the code of
// older revisions for a resource that is not there.
const (
	codeParse            = -32700
	codeInvalidRequest   = -32600
	codeNoMethod         = -32601
	codeInvalidParams    = -32602
	codeInternal         = -32603
	codeHeaderMismatch   = -32020
	codeMissingAbility   = -32021
	codeUnsupported      = -32022
	codeLegacyNoResource = -32002
)

// rpcError is a JSON-RPC error. A status other than 0 goes before what httpStatus
// makes of the code; data is JSON.
type rpcError struct {
	code    int
	status  int
	message string
	data    []byte
}

// httpStatus is the status an HTTP answer with the error has. Revisions before
// 2026-07-28 leave it at 200 once the message was understood.
func (e *rpcError) httpStatus(modern bool) int {
	switch {
	case e.status != 0:
		return e.status
	case e.code == codeParse || e.code == codeInvalidRequest:
		return http.StatusBadRequest
	case !modern || e.code == codeInternal:
		return http.StatusOK
	case e.code == codeNoMethod:
		return http.StatusNotFound
	default:
		return http.StatusBadRequest
	}
}

// appendTo appends the JSON-RPC message; a nil id is null.
func (e *rpcError) appendTo(dst, id []byte) []byte {
	dst = appendID(append(dst, `{"jsonrpc":"2.0","id":`...), id)
	dst = value.Int(int64(e.code)).AppendJSON(append(dst, `,"error":{"code":`...))
	dst = value.AppendString(append(dst, `,"message":`...), e.message)
	if e.data != nil {
		dst = append(append(dst, `,"data":`...), e.data...)
	}
	return append(dst, "}}"...)
}

func appendID(dst, id []byte) []byte {
	if id == nil {
		return append(dst, "null"...)
	}
	return append(dst, id...)
}

func invalid(why string) *rpcError {
	return &rpcError{code: codeInvalidRequest, message: "Invalid request: " + why}
}

func invalidParams(why string) *rpcError {
	return &rpcError{code: codeInvalidParams, message: "Invalid params: " + why}
}
