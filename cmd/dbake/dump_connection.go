package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/dbake/dbake/seed/export/connect"
)

// connectionFlags say how to reach a server, in the words of MySQL's clients.
type connectionFlags struct {
	host, socket, user string
	port               int
	password           string // what stands on the command line: askPassword, or a mistake
	passwordFile       string
	files              connect.Files
	mode               string
	ca, cert, key      string
	iam                bool
	region             string
}

// askPassword is what --password without a value stands for.
const askPassword = "ask"

func (o *connectionFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.host, "host", "", "the server's host (default: this machine)")
	f.IntVarP(&o.port, "port", "P", 0, "the server's port (default: 3306)")
	f.StringVarP(&o.socket, "socket", "S", "", "the server's Unix socket")
	f.StringVarP(&o.user, "user", "u", "", "the account's name (default: your own)")
	f.StringVar(&o.password, "password", "", "ask for the password; a value is refused, because others could see it")
	f.Lookup("password").NoOptDefVal = askPassword
	f.StringVar(&o.passwordFile, "password-file", "", "read the password from this file, such as /run/secrets/db_password")
	f.StringVar(&o.files.Only, "defaults-file", "", "read this option file only")
	f.StringVar(&o.files.Extra, "defaults-extra-file", "", "read this option file too")
	f.BoolVar(&o.files.None, "no-defaults", false, "read no option file")
	f.StringVar(&o.mode, "ssl-mode", "", "disabled, preferred, required, verify-ca or verify-identity (default: verify-ca with --ssl-ca, else preferred)")
	f.StringVar(&o.ca, "ssl-ca", "", `PEM file of the CA of the server's certificate; "system" for this machine's`)
	f.StringVar(&o.cert, "ssl-cert", "", "PEM file of the client's certificate")
	f.StringVar(&o.key, "ssl-key", "", "PEM file of the client's key")
	f.BoolVar(&o.iam, "rds-iam", false, "log in to RDS by an IAM token; wants --ssl-ca")
	f.StringVar(&o.region, "rds-region", "", "region of the database for --rds-iam (default: AWS_REGION)")
}

// flagError keeps what may be a password out of the message: -pSECRET is how
// MySQL's clients take one.
func (o *connectionFlags) flagError(_ *cobra.Command, err error) error {
	if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
		return usageError{errors.New("unknown short flag (not shown: it may be a password, which --password asks for, and no flag takes)")}
	}
	return usageError{err}
}

// config puts flags, option files and the environment together.
func (o *connectionFlags) config(prompt io.Writer) (connect.Config, error) {
	mode, err := connect.ParseMode(o.mode)
	if err != nil {
		return connect.Config{}, usageError{fmt.Errorf("--ssl-mode: %w", err)}
	}
	c := connect.Config{
		Host: o.host, Port: o.port, Socket: o.socket, User: o.user,
		Mode: mode, CA: o.ca, Cert: o.cert, Key: o.key, IAM: o.iam, Region: o.region,
	}
	if c.Password, err = o.secret(prompt); err != nil {
		return connect.Config{}, err
	}
	settings, err := o.files.Read()
	if err == nil {
		err = settings.Fill(&c)
	}
	return c, err
}

// secret gives the password that a flag asks for; empty when none does.
func (o *connectionFlags) secret(prompt io.Writer) (string, error) {
	switch {
	case o.password != "" && o.password != askPassword:
		return "", usageError{errors.New("a password on the command line can be seen by everyone on this machine: use --password-file, MYSQL_PWD or an option file, or --password alone to be asked")}
	case o.passwordFile != "":
		text, err := os.ReadFile(o.passwordFile)
		if err != nil {
			return "", fmt.Errorf("dbake: read the password: %w", err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	case o.password == askPassword:
		fmt.Fprint(prompt, "Password: ")
		text, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(prompt)
		if err != nil {
			return "", usageError{errors.New("--password asks for one, and there is no terminal to ask at")}
		}
		return string(text), nil
	}
	return "", nil
}
