//! Environment variables that callers may not set.

/// The environment variables that the server sets, and one that makes the agent believe
/// that it runs on Kubernetes.
const SERVERS: [&str; 5] = [
    "SERVICE_URL",
    "ACTIVATION_TOKEN",
    "ACTIVATION_TOKEN_FILE",
    "ENVIRONMENT_ID",
    "BASTIONZERO_IN_CLUSTER",
];

/// Whether the server sets a variable.
pub fn is_servers(name: &str) -> bool {
    SERVERS.contains(&name)
}

/// Whether callers may not set a variable: it is the server's, or changes which code a
/// program of the image loads.
///
/// glibc and musl hide the first line and all of `LD_` from programs with more rights
/// than their caller (glibc, `sysdeps/generic/unsecvars.h`, without `TMPDIR`). sudo hides
/// the next two lines from its commands (`plugins/sudoers/env.c`, `initial_badenv_table`,
/// without those for other systems and terminals). The last lines have `PATH`, which
/// finds programs, and variables of runtimes and libraries that sudo's list lacks. The
/// list cannot be complete: an image may have others.
pub fn is_reserved(name: &str) -> bool {
    const LOADERS: &str = "\
        GCONV_PATH GETCONF_DIR GLIBC_TUNABLES HOSTALIASES LOCALDOMAIN LOCPATH MALLOC_TRACE NIS_PATH NLSPATH RESOLV_HOST_CONF RES_OPTIONS TZDIR \
        BASHOPTS BASH_ENV CDPATH ENV FPATH GLOBIGNORE IFS NULLCMD PATH_LOCALE PS4 READNULLCMD SHELLOPTS TMPPREFIX ZDOTDIR \
        JAVA_TOOL_OPTIONS PERL5DB PERL5LIB PERL5OPT PERLIO_DEBUG PERLLIB PYTHONHOME PYTHONINSPECT PYTHONPATH PYTHONUSERBASE RUBYLIB RUBYOPT \
        PATH BUNDLE_GEMFILE CLASSPATH DOTNET_STARTUP_HOOKS GEM_HOME GEM_PATH GIO_EXTRA_MODULES GIT_EXEC_PATH GTK_MODULES JDK_JAVA_OPTIONS \
        LUA_CPATH LUA_INIT LUA_PATH NODE_OPTIONS NODE_PATH OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES PERL5SHELL PHPRC PHP_INI_SCAN_DIR \
        PROMPT_COMMAND PYTHONBREAKPOINT PYTHONPLATLIBDIR PYTHONSTARTUP PYTHONWARNINGS R_ENVIRON R_ENVIRON_USER R_PROFILE R_PROFILE_USER _JAVA_OPTIONS";
    const FAMILIES: [&str; 5] = ["LD_", "GIT_CONFIG", "LUA_INIT_", "LUA_PATH_", "LUA_CPATH_"];
    is_servers(name)
        || FAMILIES.iter().any(|family| name.starts_with(family))
        || LOADERS.split(' ').any(|reserved| reserved == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_reserved_as_a_whole() {
        let reserved = "SERVICE_URL LD_PRELOAD LD_ GCONV_PATH TZDIR BASHOPTS ZDOTDIR \
                        JAVA_TOOL_OPTIONS RUBYOPT PATH PYTHONSTARTUP LUA_INIT_5_4 GIT_CONFIG_COUNT";
        assert!(reserved.split(' ').all(is_reserved));
        let free = "TZ TMPDIR LANG HOME LDX ld_preload MY_PATH ";
        assert!(!free.split(' ').any(is_reserved));
    }
}
