/* idna: see idna.h. */
#include "base/idna.h"

#include <idn2.h>

bool idna_to_ascii(struct slice domain, char ascii[static IDNA_NAME_SIZE])
{
    char text[IDNA_NAME_SIZE];
    uint8_t *made = NULL;
    if (domain.size >= sizeof text)
        return false;
    for (size_t i = 0; i < domain.size; i++)
        text[i] = ascii_lower(domain.data[i]);
    text[domain.size] = '\0';
    bool valid = strlen(text) == domain.size &&
                 idn2_lookup_u8((const uint8_t *)text, &made, IDN2_NO_TR46) == IDN2_OK &&
                 strlen((const char *)made) < IDNA_NAME_SIZE;
    if (valid)
        memcpy(ascii, made, strlen((const char *)made) + 1);
    idn2_free(made);
    return valid;
}
