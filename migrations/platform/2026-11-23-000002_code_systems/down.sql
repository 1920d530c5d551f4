DROP TABLE code_import, code;
