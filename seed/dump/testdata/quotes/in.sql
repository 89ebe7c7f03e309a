SELECT 'a''b;', "c""d;", `e``f;`;
SELECT 'a\'b;', "c\"d;", `e\`;
SELECT '\\', '\\\';', "\\";
SELECT '', "", ' ''';
SELECT "it's", 'say "hi;"', '`;', "`;";
