package policy

import (
	"slices"
	"strings"
	"unicode"

	"github.com/dbake/dbake/seed/schema"
)

// Kind is what a column seems to hold.
type Kind string

// The kinds.
const (
	Email      Kind = "email"
	Phone      Kind = "phone"
	FullName   Kind = "name"
	FirstName  Kind = "first_name"
	LastName   Kind = "last_name"
	Kana       Kind = "kana"
	Username   Kind = "username"
	Address    Kind = "address"
	City       Kind = "city"
	Zip        Kind = "zip"
	Birthday   Kind = "birthday"
	Gender     Kind = "gender"
	NationalID Kind = "national_id"
	Card       Kind = "card"
	CardCode   Kind = "card_code"
	IBAN       Kind = "iban"
	Account    Kind = "account"
	IP         Kind = "ip"
	MAC        Kind = "mac"
	UserAgent  Kind = "user_agent"
	Password   Kind = "password"
	Token      Kind = "token"
	Location   Kind = "location"
	Income     Kind = "income"
	Sensitive  Kind = "sensitive"
	Picture    Kind = "picture"
	Text       Kind = "text"
	personName Kind = "person" // "name": a person's in tables about persons
)

// abouts name the kinds in texts, in the plural.
var abouts = map[Kind]string{
	Email: "email addresses", Phone: "phone numbers", FullName: "names of people", FirstName: "given names", LastName: "family names",
	Kana: "names in kana", Username: "user names", Address: "addresses", City: "places", Zip: "postal codes", Birthday: "birthdays",
	Gender: "genders", NationalID: "numbers of people", Card: "card numbers", CardCode: "card codes", IBAN: "IBANs", Account: "account numbers",
	IP: "IP addresses", MAC: "MAC addresses", UserAgent: "user agents", Password: "passwords", Token: "secrets", Location: "positions",
	Income: "incomes", Sensitive: "sensitive facts", Picture: "pictures of people", Text: "free text",
}

// String names what values of the kind are.
func (k Kind) String() string { return abouts[k] }

// vocabulary is what names of columns are made of, by what they say a column holds. A
// word of several parts stands for parts in a row: "first_name" is in
// "billing_first_name" and firstName. Earlier kinds count.
var vocabulary = []struct {
	kind  Kind
	types string // families that such values have: t text, b bytes, i integer, n decimal, d date, e enum, g geometry
	words string
}{
	{UserAgent, "t", "user_agent useragent http_user_agent browser_agent"},
	{MAC, "tbi", "mac mac_address macaddress mac_addr"},
	{IP, "tbi", "ip ip_address ipaddress ip_addr ipaddr ipv4 ipv6 remote_addr client_ip last_ip"},
	{Email, "tb", "email e_mail mail emails mail_address mailaddress emailaddress courriel correo correo_electronico epost posta_elettronica メール メールアドレス 邮箱 邮件 이메일"},
	{CardCode, "ti", "cvv cvc cvv2 cvc2 card_code security_code"},
	{Card, "tbin", "card_number cardnumber card_no credit_card creditcard cc_number ccnumber cc_num pan kreditkarte カード番号 信用卡"},
	{IBAN, "t", "iban"},
	{Account, "tin", "account_number account_no accountnumber bank_account bankaccount kontonummer konto routing_number sort_code swift bic 口座番号 口座 银行卡"},
	{NationalID, "tbin", "ssn social_security social_security_number sin nin national_id nationalid my_number mynumber individual_number passport passport_no passport_number driver_license drivers_license driving_licence license_number tax_id taxid tax_number tin vat_id itin ein cpf cnpj rfc curp dni nie nif nss bsn personnummer fodselsnummer cpr pesel steuernummer steuer_id codice_fiscale insee nir identity_number id_number idcard id_card aadhaar aadhar rrn hkid health_insurance insurance_number マイナンバー 個人番号 免許証 旅券 身份证 护照 주민등록번호 여권"},
	{Password, "tb", "password passwd passwort pwd pass passphrase password_hash password_digest encrypted_password crypted_password hashed_password mot_de_passe contrasena senha パスワード 密码 비밀번호"},
	{Token, "tb", "token tokens access_token refresh_token auth_token session_token reset_token remember_token api_key apikey api_token secret secret_key secretkey client_secret private_key privatekey otp otp_secret totp two_factor_secret mfa_secret recovery_codes backup_codes session_id sessionid session_key cookie cookies fcm_token device_token push_token webhook_secret credentials security_answer secret_answer pin pin_code"},
	{Phone, "tin", "phone phones phone_number phonenumber telephone tel tel_no telno mobile mobile_phone mobile_number mobilephone cell cellphone cell_phone fax fax_number msisdn handy telefon telefonnummer telefono telephone_number portable celular movil whatsapp 電話 電話番号 携帯 携帯電話 手机 手机号 电话 전화 전화번호 휴대폰"},
	{Kana, "t", "kana name_kana kana_name furigana last_name_kana first_name_kana family_name_kana given_name_kana sei_kana mei_kana lastname_kana firstname_kana katakana フリガナ ふりがな カナ セイ メイ"},
	{FirstName, "t", "first_name firstname given_name givenname fname forename vorname prenom nombre middle_name middlename mei voornaam nome_proprio 名"},
	{LastName, "t", "last_name lastname family_name familyname lname surname nachname familienname nom_de_famille apellido apellidos cognome sobrenome achternaam maiden_name maidenname sei birth_name 姓 苗字 名字"},
	{FullName, "t", "full_name fullname real_name realname display_name displayname person_name personname contact_name contactname customer_name customername client_name patient_name employee_name member_name owner_name recipient_name recipient sender_name billing_name shipping_name cardholder card_holder cardholder_name account_holder beneficiary author_name guest_name student_name teacher_name doctor_name user_full_name nom_complet nombre_completo shimei namae emergency_contact spouse_name father_name mother_name 氏名 お名前 姓名 이름 성명"},
	{Username, "t", "username user_name login login_name loginname nick nickname nick_name screen_name handle benutzername utilisateur usuario ニックネーム 用户名 twitter instagram facebook linkedin line_id skype telegram"},
	{Zip, "ti", "zip zip_code zipcode postal_code postalcode postcode post_code plz postleitzahl code_postal codigo_postal cap cep pincode zip_postal 郵便番号 邮编 우편번호"},
	{City, "t", "city town ville stadt ciudad citta cidade municipality locality 市区町村 市町村 城市 도시"},
	{Address, "t", "address addr address1 address2 address3 address_1 address_2 address_3 addr1 addr2 address_line address_line1 address_line2 street street1 street2 street_address street_name streetname house_number apartment strasse adresse anschrift direccion indirizzo endereco rue building_name jusho 住所 番地 建物名 地址 주소"},
	{Birthday, "dti", "birthday birth_day birthdate birth_date date_of_birth dob born born_on born_at birth_year year_of_birth geburtsdatum geburtstag date_naissance date_de_naissance fecha_nacimiento fecha_de_nacimiento data_nascita data_nascimento geboortedatum tanjobi seinengappi 生年月日 誕生日 生日 出生日期 생년월일"},
	{Location, "tnig", "lat lng lon latitude longitude geo_lat geo_lng geolocation gps gps_location coordinates latlng lat_lng home_location 緯度 経度"},
	{Gender, "tie", "gender sex geschlecht sexe sexo genere geslacht seibetsu 性別 性别 성별"},
	{Income, "tin", "salary income wage wages annual_income monthly_income gehalt salaire salario stipendio credit_score 年収 給与 工资 급여"},
	{Sensitive, "tie", "religion ethnicity race nationality blood_type bloodtype diagnosis disease illness disability allergy allergies medication medical_history sexual_orientation political_party union_membership marital_status criminal_record 国籍 血液型 病名 宗教"},
	{Picture, "tb", "photo photos avatar profile_picture profile_image profile_photo selfie portrait fingerprint signature signature_image face_image id_scan"},
	{Text, "t", "memo note notes comment comments remark remarks message messages bio biography about_me self_introduction free_text freetext feedback inquiry body_text bemerkung bemerkungen notiz commentaire comentario osservazioni nota 備考 メモ コメント 自己紹介 问题 备注 비고 메모"},
	{personName, "t", "name nom naam nome 名前"},
}

// tails are last parts of names that say that a column holds something about what
// the parts before name, not that itself.
var tails = strings.Fields(`id ids uuid count cnt counts total at on date flag enabled disabled verified confirmed valid type kind status state
	format length size template templates subject expires expiry expiration ttl index idx rank score order sort position version
	required allowed preference preferences settings opt optin optout provider language lang locale changed updated created sent
	available visible hidden attempts retries policy`)

// dated are kinds whose names may end in a word of tails that is part of them.
var dated = []Kind{Birthday, LastName, FullName, NationalID, Username, Token}

// persons are what tables about people are called, in their names' parts.
var persons = strings.Fields(`user users customer customers client clients member members person persons people employee employees staff
	contact contacts patient patients student students teacher teachers doctor doctors guest guests subscriber subscribers author authors owner owners
	account accounts profile profiles lead leads applicant applicants candidate candidates driver drivers buyer buyers seller sellers recipient recipients
	visitor visitors player players admin admins administrator administrators beneficiary beneficiaries tenant passenger passengers attendee attendees participant
	participants respondent signer donor donors volunteer kunde kunden nutzer mitarbeiter benutzer personne personnes utilisateur utilisateurs cliente
	usuario usuarios empleado empleados persona personas utente utenti kokyaku kaiin shain 顧客 会員 社員 従業員 患者 用户 客户 员工`)

// parts takes a name apart into lower-case words: user_emailAddress2 is user,
// email, address2.
func parts(name string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != 'ー':
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(runes[i-1])):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return out
}

// holds reports whether the parts of a name hold those of a word in a row, or its
// only one with a number behind it.
func holds(name []string, word string) bool {
	want := strings.Split(word, "_")
	for i := 0; i+len(want) <= len(name); i++ {
		ok := true
		for j, w := range want {
			have := name[i+j]
			ok = ok && (have == w || j == len(want)-1 && strings.TrimRight(have, "0123456789") == w)
		}
		if ok {
			return true
		}
	}
	// Languages that do not part words.
	return word[0] >= 0x80 && len([]rune(word)) > 1 && strings.Contains(strings.Join(name, ""), word)
}

// byName says what a column's name makes of it, personName included.
func byName(c *schema.Column) Kind {
	family := familyOf(c)
	name := parts(c.Name)
	if len(name) == 0 || family == 0 || slices.Contains([]string{"is", "has", "num", "no", "use", "can"}, name[0]) && len(name) > 1 {
		return ""
	}
	tail := len(name) > 1 && slices.Contains(tails, name[len(name)-1])
	for _, w := range vocabulary {
		if !strings.ContainsRune(w.types, family) || tail && !slices.Contains(dated, w.kind) {
			continue
		}
		for _, word := range strings.Fields(w.words) {
			if !holds(name, word) || tail && !strings.HasSuffix(strings.Join(name, "_"), word) {
				continue
			}
			if w.kind == personName && len(name) > 1 {
				continue // file_name, product_name
			}
			return w.kind
		}
	}
	return ""
}

// ByName says what the name and the type of a column make of it; empty when
// nothing personal.
func ByName(t *schema.Table, c *schema.Column) Kind {
	kind := byName(c)
	if kind != personName {
		return kind
	}
	if slices.ContainsFunc(parts(t.Name), func(p string) bool { return slices.Contains(persons, p) }) {
		return FullName
	}
	for i := range t.Columns { // who has a birthday or a phone has a name
		switch byName(&t.Columns[i]) {
		case Email, Phone, Birthday, Gender, Password, NationalID, FirstName, LastName, Kana:
			return FullName
		}
	}
	return ""
}

// familyOf gives the letter of a column's type, as in vocabulary; 0: no value of it is
// anybody's.
func familyOf(c *schema.Column) rune {
	switch c.Type {
	case "char", "varchar", "nchar", "nvarchar", "character", "tinytext", "text", "mediumtext", "longtext", "json", "inet4", "inet6":
		return 't'
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return 'b'
	case "tinyint":
		if c.Length == 1 {
			return 0
		}
		return 'i'
	case "smallint", "mediumint", "int", "integer", "bigint", "year":
		return 'i'
	case "decimal", "numeric", "dec", "fixed", "float", "double", "real":
		return 'n'
	case "date", "datetime", "timestamp":
		return 'd'
	case "enum", "set":
		return 'e'
	case "point", "geometry", "geometrycollection":
		return 'g'
	}
	return 0
}

// FoldColumn lowers the case of the column in db.table.column, which servers do not
// tell apart.
func FoldColumn(name string) string {
	dot := strings.LastIndexByte(name, '.')
	return name[:dot+1] + strings.ToLower(name[dot+1:])
}
