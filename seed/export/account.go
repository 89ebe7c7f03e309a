package export

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// serverAccounts belong to the server, or to who runs it.
var serverAccounts = []string{
	"root", "mysql", "mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys", "PUBLIC",
	"rdsadmin", "rdsrepladmin", "rdstopmgr", "rds_superuser_role", "AWS_COMPREHEND_ACCESS", "AWS_LAMBDA_ACCESS",
	"AWS_LOAD_S3_ACCESS", "AWS_SAGEMAKER_ACCESS", "AWS_SELECT_S3_ACCESS", "AWS_BEDROCK_ACCESS", "debian-sys-maint",
}

// defaultRole is a clause of MySQL's CREATE USER. Roles may be made, and given to
// the account, later than the account.
var defaultRole = regexp.MustCompile("(?s) DEFAULT ROLE ((?:`(?:[^`]|``)*`@`(?:[^`]|``)*`,?)+)")

// accounts makes users and roles, and what they may do: users for the beginning
// of a dump, grants for its end, when what they are about is there.
func (s *session) accounts(ctx context.Context) (users, grants string, err error) {
	query := "SELECT user, host, 'N' AS is_role FROM mysql.user"
	if s.mariadb {
		query = "SELECT user, host, is_role FROM mysql.user"
	}
	records, err := s.query(ctx, query+" ORDER BY is_role DESC, user, host")
	if err != nil {
		return "", "", fmt.Errorf("read the accounts: %w", err)
	}
	made, given, defaults := section("Accounts"), section("Grants"), ""
	for _, r := range records {
		user, host := r.text("user"), r.text("host")
		if slices.Contains(serverAccounts, user) {
			continue
		}
		name, role := quote(user)+"@"+quote(host), r.text("is_role") == "Y"
		if role {
			name = quote(user)
			made += "CREATE ROLE IF NOT EXISTS " + name + ";\n"
		} else {
			create, later, err := s.createUser(ctx, name)
			if err != nil {
				return "", "", err
			}
			made += create
			defaults += later // when every role has been given
		}
		list, err := s.grants(ctx, name)
		if err != nil {
			return "", "", err
		}
		given += list
	}
	return made, given + defaults, nil
}

func (s *session) createUser(ctx context.Context, name string) (create, later string, err error) {
	records, err := s.query(ctx, "SHOW CREATE USER "+name)
	if err != nil {
		return "", "", fmt.Errorf("read the account %s: %w", name, err)
	}
	text := ""
	for _, v := range records[0] {
		text = *v
	}
	text = strings.Replace(text, "CREATE USER ", "CREATE USER IF NOT EXISTS ", 1)
	if found := defaultRole.FindStringSubmatchIndex(text); found != nil && !s.mariadb {
		later = "ALTER USER " + name + " DEFAULT ROLE " + text[found[2]:found[3]] + ";\n"
		text = text[:found[0]] + text[found[1]:]
	}
	return text + ";\n", later, nil
}

func (s *session) grants(ctx context.Context, name string) (string, error) {
	records, err := s.query(ctx, "SHOW GRANTS FOR "+name)
	if err != nil {
		return "", fmt.Errorf("read the grants of %s: %w", name, err)
	}
	var b strings.Builder
	for _, r := range records {
		for _, v := range r {
			b.WriteString(*v + ";\n")
		}
	}
	return b.String(), nil
}
