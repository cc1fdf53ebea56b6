/*
 * plus_plus: a module in C++, compiled with ecxs against the installed headers alone. An object of its own is its data.
 */
#include <impulse/module.h>
#include <memory>
#include <string>

namespace {

class Greeting {
public:
    explicit Greeting(const char *name) : text("hello, " + std::string(name))
    {
    }
    const char *c_str() const
    {
        return text.c_str();
    }

private:
    std::string text;
};

int setup(struct imp_module *module, const struct imp_config *config)
{
    auto greeting = std::make_unique<Greeting>(imp_config_text(config, "whom"));
    imp_paniclog(module, IMP_ERROR, "%s", greeting->c_str());
    imp_module_set_data(module, greeting.release());
    return 0;
}

void teardown(struct imp_module *module)
{
    delete static_cast<Greeting *>(imp_module_data(module));
}

} // namespace

IMP_MODULE_DEFINE(.name = "plus_plus", .description = "Greets somebody", .kind = IMP_SINGLETON, .setup = setup,
                  .teardown = teardown);
