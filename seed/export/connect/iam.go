package connect

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
	"github.com/aws/smithy-go/logging"
	"github.com/go-sql-driver/mysql"
)

// useTokens makes every connection log in with a token of its own: one lives 15
// minutes, and a dump opens connections when it begins only, but may begin anew.
// The token is sent as it is, which TLS with a verified server has to protect.
func (c Config) useTokens(ctx context.Context, config *mysql.Config) error {
	switch mode := c.mode(); {
	case config.Net != "tcp":
		return errors.New("--rds-iam is for a database of RDS: name it by --host")
	case c.User == "":
		return errors.New("--rds-iam needs --user, a database account made with AWSAuthenticationPlugin")
	case mode != VerifyIdentity:
		return fmt.Errorf("--rds-iam needs --ssl-mode=verify-identity, not %s: the token is a password that the server gets to see", mode)
	case c.CA == "":
		return errors.New("--rds-iam needs --ssl-ca: the file global-bundle.pem of https://truststore.pki.rds.amazonaws.com, or \"system\" for an RDS Proxy, whose certificate every machine trusts")
	}
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithLogger(logging.Nop{})}
	if c.Region != "" {
		options = append(options, awsconfig.WithRegion(c.Region))
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return errors.New("the AWS configuration cannot be used; check AWS_PROFILE and the files in ~/.aws")
	}
	if aws.Region == "" {
		return errors.New("--rds-iam needs the database's region: set AWS_REGION or --rds-region")
	}
	config.AllowCleartextPasswords = true
	return config.Apply(mysql.BeforeConnect(minter(aws)))
}

// minter gives what the driver is to do before it connects: set a new token.
func minter(from aws.Config) func(context.Context, *mysql.Config) error {
	return func(ctx context.Context, now *mysql.Config) error {
		token, err := auth.BuildAuthToken(ctx, now.Addr, from.Region, now.User, from.Credentials)
		if err != nil {
			return fmt.Errorf("make a token for %s at %s: no AWS credentials found", now.User, now.Addr)
		}
		now.Passwd = token
		return nil
	}
}
