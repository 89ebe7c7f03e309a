package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/awslabs/amazon-ecr-credential-helper/ecr-login/api"
	"github.com/google/go-containerregistry/pkg/authn"
)

// publicRegion is the one region that answers for public.ecr.aws.
const publicRegion = "us-east-1"

// ECRKeychain gives credentials for Amazon ECR's registries, private and
// public, and none for all others. They are asked for with the AWS credentials
// of the environment at every call, and live for twelve hours. Hosts are told
// apart by the code of Amazon's credential helper; the helper itself is not used,
// because it keeps tokens on disk and hides why it got none.
func ECRKeychain() authn.Keychain { return ecrKeychain{} }

type ecrKeychain struct{}

var _ authn.ContextKeychain = ecrKeychain{}

// Resolve implements authn.Keychain.
func (k ecrKeychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain.
func (ecrKeychain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	host, err := api.ExtractRegistry(target.RegistryStr())
	if err != nil {
		return authn.Anonymous, nil //nolint:nilerr // it is not one of Amazon's
	}
	token, err := ecrToken(ctx, host)
	if err != nil {
		return nil, err
	}
	user, password, ok := strings.Cut(token, ":")
	if !ok {
		return nil, errors.New("the token of ECR is not user:password")
	}
	return authn.FromConfig(authn.AuthConfig{Username: user, Password: password}), nil
}

// ecrToken is the user name and password that AWS gives, with a colon between.
func ecrToken(ctx context.Context, host *api.Registry) (string, error) {
	region := host.Region
	if host.Service == api.ServiceECRPublic {
		region = publicRegion
	}
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if host.FIPS {
		options = append(options, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return "", fmt.Errorf("read the AWS configuration: %w", err)
	}
	var encoded *string
	if host.Service == api.ServiceECRPublic {
		answer, err := ecrpublic.NewFromConfig(settings).GetAuthorizationToken(ctx, &ecrpublic.GetAuthorizationTokenInput{})
		if err != nil {
			return "", err
		}
		if answer.AuthorizationData != nil {
			encoded = answer.AuthorizationData.AuthorizationToken
		}
	} else {
		answer, err := ecr.NewFromConfig(settings).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
		if err != nil {
			return "", err
		}
		if len(answer.AuthorizationData) > 0 {
			encoded = answer.AuthorizationData[0].AuthorizationToken
		}
	}
	if encoded == nil {
		return "", errors.New("the answer of ECR holds no token")
	}
	token, err := base64.StdEncoding.DecodeString(*encoded)
	if err != nil {
		return "", errors.New("the token of ECR is not base64")
	}
	return string(token), nil
}
