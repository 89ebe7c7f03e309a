package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dbake/dbake/spec"
)

// hinted is an error that already knows its hint.
type hinted struct {
	hint string
	err  error
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

const credentialsHint = "give credentials as build secrets (--secret id=AWS_ACCESS_KEY_ID,env=AWS_ACCESS_KEY_ID" +
	" --secret id=AWS_SECRET_ACCESS_KEY,env=AWS_SECRET_ACCESS_KEY and, if there is one," +
	" --secret id=AWS_SESSION_TOKEN,env=AWS_SESSION_TOKEN), as a credentials file" +
	" (--secret id=aws,src=$HOME/.aws/credentials), or in any other way the AWS SDK's default chain knows," +
	" such as an instance or task role"

// credentialsError explains why there are no credentials.
func credentialsError(err error) error {
	text := "no AWS credentials found"
	var api smithy.APIError
	var profile config.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &api) && !strings.Contains(err.Error(), "ec2imds"):
		text = fmt.Sprintf("AWS credentials could not be had: %s: %s", api.ErrorCode(), api.ErrorMessage())
	case errors.As(err, &profile):
		text = fmt.Sprintf("the AWS profile %q does not exist", profile.Profile)
	}
	return &hinted{hint: credentialsHint, err: &cause{text: text, kind: ErrDenied, err: err}}
}

// archivedVerdict is about an object in a storage class that cannot be read.
func archivedVerdict(class string) verdict {
	v := verdict{
		"the object is archived and has to be restored before it can be read",
		"restore it with: aws s3api restore-object, then wait until head-object shows ongoing-request=\"false\"", ErrDenied,
	}
	if class != "" {
		v.text = fmt.Sprintf("the object is archived (storage class %s) and has to be restored before it can be read", class)
	}
	return v
}

// archivedError is archivedVerdict as an error.
func archivedError(class string) error {
	v := archivedVerdict(class)
	return &hinted{hint: v.hint, err: &cause{text: v.text, kind: v.kind}}
}

// s3Failure is what is known about one failed call.
type s3Failure struct {
	op      string
	loc     spec.Location
	where   string // the endpoint
	code    string
	message string
	status  int
	region  string // where the bucket is, if the answer says so
	deleted bool   // the answer speaks of a delete marker
	err     error
}

// s3Error makes the *Error for a failed call of op. An *Error stays as it is.
func (s *Source) s3Error(op string, loc spec.Location, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	s.mu.Lock()
	access := s.s3
	s.mu.Unlock()
	f := s3Failure{op: op, loc: loc, where: access.where(), err: err}
	var explained *hinted
	var api smithy.APIError
	if !errors.As(err, &explained) { // then any answer in it is not S3's
		f.status, f.region = statusOf(err), bucketRegion(err)
		if errors.As(err, &api) {
			f.code, f.message = api.ErrorCode(), api.ErrorMessage()
		}
	}
	var opErr *smithy.OperationError
	if errors.As(err, &opErr) && opErr.ServiceID == "S3" {
		f.op = opErr.OperationName
	}
	if h := headerOf(err); h != nil {
		f.deleted = h.Get("X-Amz-Delete-Marker") == "true"
	}
	v := f.explain()
	if t := (*triedError)(nil); errors.As(err, &t) {
		v.text += fmt.Sprintf(", %d times in a row", t.times)
	}
	secrets := append(access.secrets(), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))
	return &Error{
		Op: f.opText(), URL: displayLocation(loc), Hint: scrub(v.hint, secrets...),
		Err: &cause{text: scrub(v.text, secrets...), kind: v.kind, err: hideEOF(err)},
	}
}

// opText is "HeadObject" with S3's own words behind it, for those who look
// them up.
func (f s3Failure) opText() string {
	text := f.op
	if f.code != "" && f.code != "UnknownError" {
		text += ": " + f.code
	} else if f.status >= 300 {
		text += fmt.Sprintf(": HTTP %d", f.status)
	}
	return text
}

// verdict is a failure in words. The zero value means that nothing fits.
type verdict struct {
	text string
	hint string
	kind error // one of the Err… variables, or nil
}

func changedVerdict() verdict {
	return verdict{"the object " + ErrChanged.Error() + ": it does not have the ETag it had when the build began", changedHint, ErrChanged}
}

// explain says what happened and what to do.
func (f s3Failure) explain() verdict {
	var h *hinted
	var c *cause
	switch {
	case errors.As(f.err, &h):
		_ = errors.As(h.err, &c)
		return verdict{h.Error(), h.hint, c.kind}
	case errors.Is(f.err, ErrChanged) && errors.As(f.err, &c):
		return verdict{c.text, changedHint, ErrChanged}
	case errors.Is(f.err, context.Canceled), errors.Is(f.err, context.DeadlineExceeded) && !retryable(f.err), errors.Is(f.err, errClosed):
		return verdict{text: root(f.err).Error()}
	case errors.Is(f.err, errPermanent):
		return verdict{text: permanentText(f.err), hint: "is " + f.where + " an S3 server?"}
	case f.isRegion() && f.region != "":
		return verdict{
			text: fmt.Sprintf("the bucket %q is in the region %s, but the request went to another", f.loc.Bucket, f.region),
			hint: "set AWS_REGION=" + f.region,
		}
	case f.isRegion():
		return verdict{
			text: fmt.Sprintf("the bucket %q is in another region, or at another endpoint (%s was asked)", f.loc.Bucket, f.where),
			hint: "set AWS_REGION to the bucket's region: " + f.message,
		}
	}
	for _, try := range []func() verdict{f.aboutCredentials, f.aboutObject, f.byStatus} {
		if v := try(); v.text != "" {
			return v
		}
	}
	return verdict{text: describeNetwork(f.err, f.where), hint: "check AWS_ENDPOINT_URL, AWS_REGION and the network of the builder"}
}

func (f s3Failure) isRegion() bool {
	switch f.code {
	case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "MovedPermanently":
		return true
	}
	return f.status >= 300 && f.status < 400 && f.status != http.StatusNotModified ||
		f.status == http.StatusBadRequest && f.region != "" && f.code != "ExpiredToken"
}

// aboutCredentials knows S3's error codes that are about who asks.
func (f s3Failure) aboutCredentials() verdict {
	switch f.code {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired":
		return verdict{"the AWS credentials have expired", "get new ones, for example with: aws sso login", ErrDenied}
	case "InvalidAccessKeyId", "UnrecognizedClientException", "XAdminUserNotFound": // the last is versitygw's
		return verdict{
			"the AWS access key does not exist at " + f.where,
			"check AWS_ACCESS_KEY_ID; temporary credentials need AWS_SESSION_TOKEN too", ErrDenied,
		}
	case "InvalidToken", "InvalidClientTokenId":
		return verdict{
			"the AWS session token is not valid",
			"check AWS_SESSION_TOKEN: it must belong to the access key, and keys that do not expire need none", ErrDenied,
		}
	case "SignatureDoesNotMatch":
		return verdict{
			"the request's signature is wrong",
			"check AWS_SECRET_ACCESS_KEY, and that no proxy changes requests on the way", ErrDenied,
		}
	case "RequestTimeTooSkewed":
		return verdict{"this machine's clock is too far from the server's", "set the clock right", ErrDenied}
	case "AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden":
		return f.denied()
	}
	return verdict{}
}

// aboutObject knows S3's error codes that are about what is asked for.
func (f s3Failure) aboutObject() verdict {
	switch f.code {
	case "NoSuchBucket":
		return verdict{
			fmt.Sprintf("there is no bucket %q at %s", f.loc.Bucket, f.where),
			"check the bucket's name, the account and AWS_ENDPOINT_URL; list buckets with: aws s3 ls", ErrNotFound,
		}
	case "NoSuchVersion":
		return verdict{
			fmt.Sprintf("the object has no version %q", f.loc.VersionID),
			fmt.Sprintf("list versions with: aws s3api list-object-versions --bucket %s --prefix %s", f.loc.Bucket, f.loc.Key), ErrNotFound,
		}
	case "NoSuchKey", "NotFound":
		return f.missing()
	case "InvalidObjectState":
		return archivedVerdict("")
	case "PreconditionFailed":
		return changedVerdict()
	case "SlowDown", "Throttling", "ThrottlingException", "RequestThrottled", "TooManyRequests":
		return verdict{text: "S3 says to slow down", hint: "try again later"}
	}
	return verdict{}
}

// byStatus helps where an answer has no code, or an unknown one: those to
// HEAD, and those of proxies.
func (f s3Failure) byStatus() verdict {
	switch {
	case f.status < 300:
		return verdict{}
	case f.status == http.StatusNotFound:
		return f.missing()
	case f.status == http.StatusForbidden, f.status == http.StatusUnauthorized:
		return f.denied()
	case f.status == http.StatusPreconditionFailed:
		return changedVerdict()
	case f.status == http.StatusMethodNotAllowed && f.deleted:
		return verdict{"this version of the object is a delete marker", f.listHint(), ErrNotFound}
	}
	v := verdict{text: fmt.Sprintf("%s answered %d %s", f.where, f.status, http.StatusText(f.status))}
	if f.code != "" && f.code != "UnknownError" {
		v.text = fmt.Sprintf("%s answered %s: %s", f.where, f.code, f.message)
	}
	if f.loc.VersionID != "" && f.status == http.StatusBadRequest {
		v.hint = "is the versionId right?"
	}
	return v
}

func (f s3Failure) missing() verdict {
	v := verdict{fmt.Sprintf("the bucket %q has no object %q", f.loc.Bucket, f.loc.Key), f.listHint(), ErrNotFound}
	switch {
	case f.deleted:
		v.text = fmt.Sprintf("the object %q of the bucket %q has been deleted", f.loc.Key, f.loc.Bucket)
	case f.op == "ListObjectsV2":
		v.text = fmt.Sprintf("there is no bucket %q at %s", f.loc.Bucket, f.where)
	}
	return v
}

func (f s3Failure) listHint() string {
	dir := path.Dir(f.loc.Key) + "/"
	if dir == "./" {
		dir = ""
	}
	return fmt.Sprintf("list what is there with: aws s3 ls s3://%s/%s", f.loc.Bucket, dir)
}

// permission is what a policy has to allow for the operation.
func (f s3Failure) permission() string {
	switch f.op {
	case "ListObjectsV2":
		return "s3:ListBucket"
	case "PutObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "CopyObject":
		return "s3:PutObject"
	case "PutObjectTagging", "DeleteObject", "AbortMultipartUpload":
		return "s3:" + f.op
	}
	if f.loc.VersionID != "" {
		return "s3:GetObjectVersion"
	}
	return "s3:GetObject"
}

func (f s3Failure) denied() verdict {
	permission := f.permission()
	v := verdict{
		fmt.Sprintf("access denied: the credentials lack %s for the bucket %q", permission, f.loc.Bucket),
		"allow " + permission + " in the role's and the bucket's policies", ErrDenied,
	}
	switch {
	case strings.Contains(strings.ToLower(f.message), "kms"):
		v.hint = "allow kms:Decrypt for the key the object is encrypted with"
		if permission == "s3:PutObject" {
			v.hint = "allow kms:GenerateDataKey and kms:Decrypt for the bucket's key"
		}
	case strings.HasPrefix(permission, "s3:GetObject"):
		v.hint += "; without s3:ListBucket, S3 says the same about an object that does not exist"
	}
	return v
}

// describeNetwork says why there was no answer from where, without any URL.
func describeNetwork(err error, where string) string {
	var (
		dns    *net.DNSError
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		decode *smithy.DeserializationError
		op     *net.OpError
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("there is no host %q", dns.Name)
	case errors.As(err, &verify):
		return fmt.Sprintf("the certificate of %s is not trusted: %v", where, verify.Err)
	case errors.As(err, &record):
		return where + " does not speak TLS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + where + " (connection refused)"
	case errors.Is(err, errStalled), errors.Is(err, errShort), errors.Is(err, syscall.ECONNRESET):
		return fmt.Sprintf("the connection to %s broke: %v", where, root(err))
	case errors.As(err, &decode):
		return where + " does not answer like an S3 server"
	case errors.As(err, &op):
		return fmt.Sprintf("%s cannot be reached: %v", where, op.Err)
	}
	return fmt.Sprintf("the request to %s failed: %v", where, root(err))
}

// root is the innermost error: the one whose text has no URL in front of it.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// headerOf returns the headers of the answer that err is about.
func headerOf(err error) http.Header {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		return answer.Response.Header
	}
	return nil
}

// regionInText finds the region in AuthorizationHeaderMalformed's message, for
// servers that do not send the header Amazon sends.
var regionInText = regexp.MustCompile(`expecting ['"]([a-z0-9-]+)['"]`)

// bucketRegion returns the region that an answer says the bucket is in.
func bucketRegion(err error) string {
	if h := headerOf(err); h != nil {
		if region := h.Get("X-Amz-Bucket-Region"); region != "" {
			return region
		}
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if m := regionInText.FindStringSubmatch(api.ErrorMessage()); m != nil {
			return m[1]
		}
	}
	return ""
}
