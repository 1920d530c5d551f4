DROP TABLE licence, item_text, registry_setting;
