// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// This machine's environment: versions from an interpreter, the system from uname(2), GPUs from
// NVML.
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "complaint.h"
#include "gpu.h"
#include "program.h"

// Prints a line of name=version for each of python, torch, cuda and numpy that there is. Torch
// takes seconds and gigabytes to import, so its version is read from the file that it keeps it in.
// The folder that -c puts in front is where the user happens to be; nothing is looked for in it.
static const char script[] =
    "import sys\n"
    "sys.path[:] = [place for place in sys.path if place]\n"
    "import os, platform, re\n"
    "from importlib import metadata, util\n"
    "def tell(name, version):\n"
    "    if version is not None:\n"
    "        print(name + '=' + str(version).split('\\n')[0].strip())\n"
    "def installed(name):\n"
    "    try:\n"
    "        return metadata.version(name)\n"
    "    except Exception:\n"
    "        return None\n"
    "def torch_file():\n"
    "    try:\n"
    "        place = os.path.dirname(util.find_spec('torch').origin)\n"
    "        with open(os.path.join(place, 'version.py'), encoding='utf-8') as stream:\n"
    "            return stream.read()\n"
    "    except Exception:\n"
    "        return ''\n"
    "def assigned(name, text):\n"
    "    found = re.search('^' + name + r'\\s*(?::[^=\\n]*)?=\\s*[\\'\"]([^\\'\"\\n]*)', text, "
    "re.M)\n"
    "    return found and found.group(1)\n"
    "text = torch_file()\n"
    "tell('python', platform.python_version())\n"
    "tell('torch', assigned('__version__', text) or installed('torch'))\n"
    "tell('cuda', assigned('cuda', text))\n"
    "tell('numpy', installed('numpy'))\n";

enum { ANSWER_SIZE = 4096 };

// --- The interpreter ----------------------------------------------------------------------------

// 0 and the wait status, or an errno.
static int run_python(const char *python, char answer[ANSWER_SIZE], int *wait_status) {
    const char *const words[] = {python, "-c", script, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    int problem = program_run(words, &actions, STDOUT_FILENO, answer, ANSWER_SIZE, wait_status);
    posix_spawn_file_actions_destroy(&actions);
    return problem;
}

static bool ask_python(const char *python, char answer[ANSWER_SIZE]) {
    int wait_status = 0;
    int problem = run_python(python, answer, &wait_status);
    if (problem != 0) {
        complain(python, "cannot be run: %s; --python names another interpreter",
                 strerror(problem));
        return false;
    }
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0) {
        complain(python, "failed to tell the versions of what it has; it must be Python 3.8 or "
                         "later");
        return false;
    }
    return true;
}

// The version of one name in the answer, in new memory; NULL where there is none.
static char *version_in(const char *answer, const char *name) {
    size_t length = strlen(name);
    for (const char *line = answer; *line != '\0';
         line += strcspn(line, "\n"), line += *line != '\0') {
        if (strncmp(line, name, length) == 0 && line[length] == '=') {
            const char *version = line + length + 1;
            return strndup(version, strcspn(version, "\n"));
        }
    }
    return NULL;
}

// --- Components ---------------------------------------------------------------------------------

// Add "name=ID;" and what follows it. False, with a complaint, where there is no memory.
static bool add(struct gen5_environment *environment, const char *id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool add(struct gen5_environment *environment, const char *id, const char *format, ...) {
    char rest[ANSWER_SIZE];
    char *canonical = NULL;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rest, sizeof rest, format, arguments);
    va_end(arguments);
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status = asprintf(&canonical, "name=%s;%s", id, rest) >= 0
                                  ? gen5_environment_add(environment, id, canonical, &error)
                                  : gen5_error_set_memory(&error);
    free(canonical);
    if (status != GEN5_OK) {
        complain(id, "%s", error.message);
    }
    return status == GEN5_OK;
}

static bool add_torch(struct gen5_environment *environment, const char *python, char *version,
                      const char *cuda) {
    if (version == NULL) {
        complain(python, "has no torch: left out");
        return true;
    }
    version[strcspn(version, "+")] = '\0'; // the local part says how it was built
    return add(environment, "torch", "version=%s;cuda=%s", version, cuda != NULL ? cuda : "None");
}

static bool add_numpy(struct gen5_environment *environment, const char *python,
                      const char *version) {
    if (version == NULL) {
        complain(python, "has no numpy: left out");
        return true;
    }
    return add(environment, "numpy", "version=%s", version);
}

static bool add_packages(struct gen5_environment *environment, const char *python,
                         const char *answer) {
    char *torch = version_in(answer, "torch");
    char *cuda = version_in(answer, "cuda");
    char *numpy = version_in(answer, "numpy");
    char *own = version_in(answer, "python");
    bool added = add_torch(environment, python, torch, cuda) &&
                 add_numpy(environment, python, numpy) &&
                 add(environment, "python", "version=%s", own != NULL ? own : "") &&
                 add(environment, "cuda", "version=%s", cuda != NULL ? cuda : "none");
    free(torch);
    free(cuda);
    free(numpy);
    free(own);
    return added;
}

static bool add_system(struct gen5_environment *environment) {
    struct utsname system;
    if (uname(&system) != 0) {
        complain("uname", "%s", strerror(errno));
        return false;
    }
    return add(environment, "os", "version=%s %s", system.sysname, system.release);
}

static bool add_gpus(struct gen5_environment *environment) {
    struct gpu *gpus = NULL;
    size_t count = gpu_list(&gpus);
    bool added = true;
    for (size_t i = 0; added && i < count; i++) {
        added = add(environment, "gpu", "model=%s;driver=%s", gpus[i].name, gpus[i].driver);
    }
    free(gpus);
    return added;
}

bool machine_environment(const char *python, struct gen5_environment *environment) {
    char answer[ANSWER_SIZE] = "";
    *environment = (struct gen5_environment)GEN5_ENVIRONMENT_NONE;
    return ask_python(python, answer) && add_packages(environment, python, answer) &&
           add_system(environment) && add_gpus(environment);
}
