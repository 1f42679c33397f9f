package wire

import (
	"net/http"

	"github.com/fairlead/fairlead/internal/value"
)

// Error codes of JSON-RPC 2.0 and of MCP 2026-07-28. -32002 is the code of
// older revisions for a resource that is not there.
const (
	CodeParse            = -32700
	codeInvalidRequest   = -32600
	CodeNoMethod         = -32601
	CodeInvalidParams    = -32602
	CodeInternal         = -32603
	codeHeaderMismatch   = -32020
	CodeMissingAbility   = -32021
	codeUnsupported      = -32022
	CodeLegacyNoResource = -32002
	CodeURLElicitation   = -32042 // of 2025-11-25: the user has to open a page first
)

// Error is a JSON-RPC error. A Status other than 0 goes before what HTTPStatus
// makes of the code; Data is JSON.
type Error struct {
	Code    int
	Status  int
	Message string
	Data    []byte
}

// HTTPStatus is the status an HTTP answer with the error has. Revisions before
// 2026-07-28 leave it at 200 once the message was understood.
func (e *Error) HTTPStatus(modern bool) int {
	switch {
	case e.Status != 0:
		return e.Status
	case e.Code == CodeParse || e.Code == codeInvalidRequest:
		return http.StatusBadRequest
	case !modern || e.Code == CodeInternal:
		return http.StatusOK
	case e.Code == CodeNoMethod:
		return http.StatusNotFound
	default:
		return http.StatusBadRequest
	}
}

// AppendTo appends the JSON-RPC message; a nil id is null.
func (e *Error) AppendTo(dst, id []byte) []byte {
	dst = AppendID(append(dst, `{"jsonrpc":"2.0","id":`...), id)
	dst = value.Int(int64(e.Code)).AppendJSON(append(dst, `,"error":{"code":`...))
	dst = value.AppendString(append(dst, `,"message":`...), e.Message)
	if e.Data != nil {
		dst = append(append(dst, `,"data":`...), e.Data...)
	}
	return append(dst, "}}"...)
}

// AppendID appends the id of an answer; nil is null.
func AppendID(dst, id []byte) []byte {
	if id == nil {
		return append(dst, "null"...)
	}
	return append(dst, id...)
}

// Invalid is the error of a message that is no request.
func Invalid(why string) *Error {
	return &Error{Code: codeInvalidRequest, Message: "Invalid request: " + why}
}

// InvalidParams is the error of parameters that a method does not take.
func InvalidParams(why string) *Error {
	return &Error{Code: CodeInvalidParams, Message: "Invalid params: " + why}
}
