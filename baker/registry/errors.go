package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/awslabs/amazon-ecr-credential-helper/ecr-login/api"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Codes of the distribution specification that dbake has something to say to.
const (
	codeNameUnknown     = "NAME_UNKNOWN"
	codeManifestInvalid = "MANIFEST_INVALID"
	codeUnsupported     = "UNSUPPORTED"
)

// maxErrorBody is how many bytes of an answer are read for what the registry
// says about an error.
const maxErrorBody = 64 << 10

// Error is an answer of a registry that is not what was asked for.
type Error struct {
	// Op is what was tried, such as "push the manifest".
	Op string
	// Repository is where, with the registry's host.
	Repository string
	// Status is the answer's HTTP status.
	Status int
	// Codes are the registry's own error codes, such as NAME_UNKNOWN.
	Codes []string
	// Detail is what the registry says, in one line; it may be empty.
	Detail string
	// Hint says what to do, when that is known.
	Hint string

	after time.Duration // how long the registry asks to wait
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s (%s): the registry answered %s", e.Op, e.Repository, answered(e.Status, e.Detail))
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

func (e *Error) has(code string) bool {
	for _, c := range e.Codes {
		if c == code {
			return true
		}
	}
	return false
}

func answered(status int, detail string) string {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if detail != "" {
		text += " (" + detail + ")"
	}
	return text
}

// askedWait is how long the registry asks to wait.
func askedWait(err error) time.Duration {
	var own *Error
	if errors.As(err, &own) {
		return own.after
	}
	return 0
}

// statusOf is the HTTP status that an error is about; 0 for all others.
func statusOf(err error) int {
	var own *Error
	if errors.As(err, &own) {
		return own.Status
	}
	var theirs *transport.Error
	if errors.As(err, &theirs) {
		return theirs.StatusCode
	}
	return 0
}

// answerError reads an unexpected answer. It does not close the body.
func (s *session) answerError(op string, response *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody)) // as much as there is
	e := &Error{Op: op, Repository: familiar(s.repo), Status: response.StatusCode}
	var said struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &said) == nil && len(said.Errors) > 0 {
		var words []string
		for _, one := range said.Errors {
			e.Codes = append(e.Codes, one.Code)
			words = append(words, strings.TrimSuffix(one.Code+": "+one.Message, ": "))
		}
		e.Detail = oneLine(strings.Join(words, "; "))
	} else {
		e.Detail = oneLine(string(body))
	}
	if e.after = retryAfter(response.Header); e.after > longestAsked {
		e.Hint = fmt.Sprintf("it asks to come back in %v", e.after)
	}
	if e.Status == http.StatusRequestEntityTooLarge {
		e.Hint = "the registry, or a proxy in front of it, limits the size of requests"
	}
	if e.has(codeNameUnknown) {
		e.Hint = missingHint(s.repo)
	}
	return e
}

// oneLine is the start of a text without line breaks; error pages of proxies
// are long.
func oneLine(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(text), " ")
	if strings.HasPrefix(text, "<") {
		return ""
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

func missingHint(repo name.Repository) string {
	host := repo.RegistryStr()
	if r, err := api.ExtractRegistry(host); err == nil && r.Service == api.ServiceECR {
		return fmt.Sprintf("create the repository first: aws ecr create-repository --region %s --repository-name %s", r.Region, repo.RepositoryStr())
	}
	return fmt.Sprintf("the repository %s does not exist: check its name, or create it in the registry first", familiar(repo))
}

// AuthError says that a registry did not accept the credentials, or wants some.
// It never holds a user name or a password.
type AuthError struct {
	// Repository is where, with the registry's host.
	Repository string
	// Action is "push" or "pull".
	Action string
	// Source says where the credentials came from; empty when there were none.
	Source string
	// Problems are what kept credentials from being found.
	Problems []error
	// Err is the registry's refusal.
	Err error

	hint string
}

// Error implements error.
func (e *AuthError) Error() string {
	used := "there are no credentials for it"
	if e.Source != "" {
		used = "the credentials are from " + e.Source
	}
	preposition := "to"
	if e.Action == "pull" {
		preposition = "from"
	}
	text := fmt.Sprintf("%s %s %s: the registry refused: %v; %s", e.Action, preposition, e.Repository, e.Err, used)
	for _, problem := range e.Problems {
		text += "; " + problem.Error()
	}
	return text + ". " + e.hint
}

// Unwrap gives the registry's refusal and the problems with credentials.
func (e *AuthError) Unwrap() []error { return append([]error{e.Err}, e.Problems...) }

func (s *session) authError(err error) error {
	source, problems := s.login.state()
	action := "push"
	if s.action == transport.PullScope {
		action = "pull"
	}
	return &AuthError{
		Repository: familiar(s.repo), Action: action, Source: source, Problems: problems, Err: refusal(err),
		hint: loginHint(s.repo.RegistryStr(), action),
	}
}

// refusal is the short form of an error that says 401 or 403.
func refusal(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return errors.New(answered(own.Status, own.Detail))
	}
	var theirs *transport.Error
	if errors.As(err, &theirs) {
		var words []string
		for _, d := range theirs.Errors {
			words = append(words, strings.TrimSuffix(string(d.Code)+": "+d.Message, ": "))
		}
		return errors.New(answered(theirs.StatusCode, oneLine(strings.Join(words, "; "))))
	}
	return err
}

func loginHint(host, action string) string {
	r, err := api.ExtractRegistry(host)
	if err != nil {
		return fmt.Sprintf("Run: docker login %s", docker(host))
	}
	service, region, permission := "ecr", r.Region, "ecr:GetAuthorizationToken and ecr:BatchGetImage"
	if r.Service == api.ServiceECRPublic {
		service, region = "ecr-public", publicRegion
	}
	if action == "push" {
		permission = "ecr:GetAuthorizationToken, ecr:BatchCheckLayerAvailability, ecr:InitiateLayerUpload, ecr:UploadLayerPart, ecr:CompleteLayerUpload, ecr:BatchGetImage and ecr:PutImage"
	}
	return fmt.Sprintf("Give AWS credentials that allow %s, or run: aws %s get-login-password --region %s | docker login --username AWS --password-stdin %s",
		permission, service, region, host)
}

// sendError is a request that got no answer. What net/http says about it has
// the whole URL, whose query may hold a token.
func (s *session) sendError(op string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the connection broke: %w", err)
	}
	return fmt.Errorf("%s (%s): %w", op, familiar(s.repo), err)
}
