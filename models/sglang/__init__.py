"""SGLang: how its server is started, what is asked of it, and the plugin that lives inside it."""
