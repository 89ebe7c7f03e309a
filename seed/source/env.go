package source

import (
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// EnvPathStyle forces path-style addressing (http://host/bucket/key) when
// "true" and forbids it when "false". Unset, dbake uses it exactly for
// endpoints that are not Amazon's own, most of which have no DNS name per
// bucket.
const EnvPathStyle = "DBAKE_S3_PATH_STYLE"

// CleanEnv makes the AWS_… variables of this process mean what the user meant:
// it unsets those that are empty and takes white space off the ends of the
// rest. A BuildKit step gets a secret that was not given as an empty variable,
// and one that was read from a file with the file's last newline; the AWS SDK
// takes either at face value. Call it once, at the start of main.
//
// The SDK reads AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION,
// AWS_DEFAULT_REGION, AWS_CA_BUNDLE, AWS_PROFILE and the credential variables
// itself; dbake adds EnvPathStyle.
func CleanEnv() {
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "AWS_") && name != EnvPathStyle {
			continue
		}
		trimmed := strings.TrimSpace(value)
		switch trimmed {
		case value:
			if value == "" {
				_ = os.Unsetenv(name)
			}
		case "":
			_ = os.Unsetenv(name)
		default:
			_ = os.Setenv(name, trimmed)
		}
	}
}

// customEndpoint is the S3 endpoint of the environment, or empty.
func customEndpoint() string {
	if e := os.Getenv("AWS_ENDPOINT_URL_S3"); e != "" {
		return e
	}
	return os.Getenv("AWS_ENDPOINT_URL")
}

// usePathStyle decides how buckets are addressed at endpoint.
func usePathStyle(endpoint string) bool {
	if forced, err := strconv.ParseBool(os.Getenv(EnvPathStyle)); err == nil {
		return forced
	}
	if endpoint == "" {
		return false
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return true
	}
	host := strings.ToLower(u.Hostname())
	if net.ParseIP(host) != nil {
		return true
	}
	return !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn")
}
